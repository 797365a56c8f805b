#include "seccomp/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace lxcri::seccomp {

namespace {

constexpr timeval kPatience{10, 0};
// What a stream socket takes at once or not at all. Hardly any document is longer.
constexpr std::size_t kOneMessage = 32U << 10U;

// `path` may be longer than a socket address: it is opened, and its descriptor has a short one.
os::UniqueFd connect_to(const std::string& path) {
    const os::UniqueFd place = os::open_at(AT_FDCWD, path, O_PATH);
    os::UniqueFd socket(
        os::check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket AF_UNIX"));
    os::check(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience),
              "setsockopt SO_SNDTIMEO");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto name = concat("/proc/self/fd/", std::to_string(place.get()));
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    os::check(os::retry([&] {
                  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                                   sizeof address);
              }),
              "connect", path);
    return socket;
}

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
        const os::UniqueFd socket = connect_to(listener_path);
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
