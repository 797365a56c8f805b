#include "seccomp/notify.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "os/unix_socket.h"

namespace lxcri::seccomp {

namespace {

// What a stream socket takes at once or not at all. Hardly any document is longer.
constexpr std::size_t kOneMessage = 32U << 10U;

}  // namespace

std::string container_process_state(const oci::State& state, pid_t pid,
                                    const std::optional<std::string>& metadata) {
    nlohmann::ordered_json json;
    json["ociVersion"] = state.oci_version;
    json["fds"] = {"seccompFd"};
    json["pid"] = pid;
    if (metadata) json["metadata"] = *metadata;
    json["state"] = nlohmann::ordered_json::parse(oci::to_json(state));
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void send_listener(const std::string& listener_path, std::string_view document, int listener_fd) {
    try {
        const os::UniqueFd socket = os::connect_stream(listener_path);
        const std::array fds{listener_fd};
        os::send_message(socket.get(), document.substr(0, kOneMessage), fds);
        while (document.size() > kOneMessage) {
            document.remove_prefix(kOneMessage);
            os::send_message(socket.get(), document.substr(0, kOneMessage), {});
        }
    } catch (const SystemError& error) {
        // SO_SNDTIMEO, for connect and sendmsg alike.
        const int code = error.code() == EAGAIN ? ETIMEDOUT : error.code();
        throw SystemError(code, "send listener to", listener_path);
    }
}

}  // namespace lxcri::seccomp
