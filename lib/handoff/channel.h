#pragma once
// The conversation between `lxcri create` and its three helpers: one SOCK_SEQPACKET pair whose far
// end is inherited by lxcri-start, then by lxcri-hook, then by lxcri-init. They run one after the
// other, and each takes exactly the messages that are meant for it:
//
//   create                       lxcri-start            lxcri-hook              lxcri-init
//     StartPlan + namespaces ------> reads
//     HookPlan (+ /dev/null) --------------------------> reads
//                   <---------------------------------- RootMount + the root (only when the mounts
//     RootMountRecorded ------------------------------> goes on                     are shared)
//                   <---------------------------------- NetDevices (only when there are some)
//     NetDevicesMoved --------------------------------> goes on
//     Sources (n times) -------------------------------> reads: the number of the first, and
//                                                        descriptors of it and those after it
//                   <---------------------------------- WantSource (a bind after a filesystem)
//     Sources (n times) -------------------------------> reads: from that number on
//                   <---------------------------------- RuntimeHooks (only when there are some)
//     RuntimeHooksDone -------------------------------> goes on
//                   <--------------------------------------------------------- Alive
//     InitPlan + descriptors -------------------------------------------------> reads
//                   <--------------------------------------------------------- Terminal + its
//                   master
//                   <--------------------------------------------------------- Listener (seccomp)
//     ListenerTaken ----------------------------------------------------------> goes on
//                   <--------------------------------------------------------- Ready
//     Recorded or StartNow ---------------------------------------------------> waits, or starts
//
// `lxcri exec` speaks the same way with lxcri-exec, from JoinPlan (+ pidfd of init) on; its last
// word is StartNow, and EOF after that means that the program has been executed.
//
// Each request that is waited for has an answer of its own. Sources have the numbers of the plan
// (HostPlan::sources), so neither side counts what the other does.
//
// Any of them may say Failure instead; otherwise EOF means that the other side has died, and each
// side then ends: a `create` that is killed leaves no process behind.

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "handoff/codec.h"
#include "os/unix_socket.h"

namespace lxcri::handoff {

enum class MessageKind : char {
    cgroup = 'g',
    start_plan = 'S',
    hook_plan = 'H',
    sources = 'M',
    init_plan = 'I',
    join_plan = 'J',
    // Answers to requests of the helpers.
    root_mount_recorded = '1',  // to root_mount
    net_devices_moved = '2',    // to net_devices
    runtime_hooks_done = '3',   // to runtime_hooks
    listener_taken = '4',       // to listener
    recorded = 'D',
    start_now = 'N',
    root_mount = 'R',
    want_source = 'w',
    net_devices = 'n',
    runtime_hooks = 'h',
    alive = 'a',
    monitor_joined = 'm',  // only of one that is kept
    terminal = 't',
    listener = 'l',
    ready = 'r',
    failure = 'f',
    // Of the conversation with lxcri-systemd (unit.h), which is one of its own.
    unit_request = 'U',
    unit_done = 'u',
    // Of the conversation with lxcri-criu (criu.h), likewise.
    criu_request = 'C',
    criu_notice = 'c',
    criu_go_on = 'P',  // or failure
    criu_done = 'k',
};

// Where the helpers find what they inherit: numbers that liblxc leaves alone.
inline constexpr int kChannelFd = 3;
inline constexpr int kInitImageFd = 4;

struct Received {
    MessageKind kind{};
    std::string body;
    std::vector<os::UniqueFd> fds;
    pid_t sender = 0;
};

// What send() throws when no process has the other end any more. The last one may have said
// Failure before it ended, which can still be received.
class Disconnected : public Error {
    using Error::Error;
};

// The body of Sources and WantSource.
struct SourceNumber {
    std::uint32_t first = 0;
};
template <class V>
void visit_fields(V& visit, SourceNumber& number) {
    visit("first", number.first);
}

// Long bodies travel as a sealed memfd: a message is bounded by the socket's buffer. It is one of
// the descriptors that a message can have.
inline constexpr std::size_t kMostFds = os::kMaxMessageFds - 1;
bool send(int channel, MessageKind kind, std::string_view body, std::span<const int> fds = {},
          os::WhenFull when_full = os::WhenFull::wait);
// Returns nullopt at EOF.
std::optional<Received> receive(int channel);
// The next message must be of this kind. Throws Error if it is another one, or EOF ("the runtime
// has ended").
Received expect(int channel, MessageKind kind);

// Tells create the number of the descriptor that it is to take with pidfd_getfd(2), and waits until
// it has. With write(2) alone: a seccomp filter is on that may ask its agent about everything else,
// and that agent has yet to get the descriptor.
void offer_listener(int channel, int listener_fd);

// Tells the runtime what went wrong (failure.h); with write(2) alone, see above, and SIGPIPE is
// ignored. It does nothing if the runtime has ended.
void send_failure(int channel, const std::exception& error) noexcept;

}  // namespace lxcri::handoff
