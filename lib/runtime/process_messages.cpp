#include "runtime/process_messages.h"

#include "base/error.h"
#include "base/strings.h"
#include "os/terminal.h"
#include "seccomp/notify.h"

namespace lxcri::runtime {

os::UniqueFd take_terminal(handoff::Received message,
                           const std::optional<attached::CallerSocket>& socket, bool sized) {
    if (message.fds.size() != 1) throw Error("internal error: a terminal without its master");
    if (socket) {
        socket->send(message.body, message.fds[0].get());
        return {};
    }
    // Before the process begins: it may look only once. A reader of our output gets the lines as
    // the process writes them; a terminal there adds the carriage returns itself.
    os::keep_line_feeds(message.fds[0].get());
    if (!sized) os::copy_own_window_size(message.fds[0].get());
    return std::move(message.fds[0]);
}

void pass_listener(int channel, const handoff::Received& message, const os::ProcessRef& process,
                   const oci::State& state, const SeccompAgent& agent) {
    const auto fd = parse_integer<int>(message.body);
    if (!fd) throw Error("internal error: a listener without its number");
    in_context("/linux/seccomp/listenerPath", [&] {
        const os::UniqueFd listener = process.take_descriptor(*fd);
        const std::string document =
            seccomp::container_process_state(state, process.pid(), agent.metadata);
        seccomp::send_listener(agent.path, document, listener.get());
    });
    (void)handoff::send(channel, handoff::MessageKind::listener_taken, {});
}

}  // namespace lxcri::runtime
