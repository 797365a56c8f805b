#include "handoff/call_in_child.h"

#include <unistd.h>

#include "base/error.h"
#include "handoff/channel.h"
#include "handoff/failure.h"
#include "os/process.h"
#include "os/unix_socket.h"

namespace lxcri::handoff {

namespace {

// In the child: to the very end.
[[noreturn]] void send_opened(int channel,
                              const std::function<std::vector<os::UniqueFd>()>& action) noexcept {
    try {
        const auto opened = action();
        std::vector<int> numbers;
        numbers.reserve(opened.size());
        for (const auto& fd : opened) numbers.push_back(fd.get());
        send(channel, MessageKind::sources, {}, numbers);
    } catch (const std::exception& error) {
        send_failure(channel, error);
    }
    ::_exit(0);
}

}  // namespace

std::vector<os::UniqueFd> call_in_child(const std::function<std::vector<os::UniqueFd>()>& action) {
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    auto child = os::fork_child();
    if (!child) send_opened(theirs.get(), action);
    theirs.reset();
    auto message = receive(ours.get());
    if (!message) throw Error("the process in the other namespace has died");
    if (message->kind == MessageKind::failure) throw_failure(message->body);
    return std::move(message->fds);
}

}  // namespace lxcri::handoff
