#include "command_socket.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "base/strings.h"
#include "handoff/kept_monitor.h"
#include "os/check.h"

namespace lxcri::libexec {

namespace {

// Of the child that leaves the network namespace. It shares our memory and our descriptors, and we
// wait meanwhile, as with vfork(2).
struct Opened {
    int network = -1;
    int socket = -1;
    const char* failed = nullptr;  // the call
    int code = 0;
};

int open_elsewhere(void* argument) noexcept {
    Opened& opened = *static_cast<Opened*>(argument);
    const auto fail = [&](const char* call) {
        opened.failed = call;
        opened.code = errno;
        return 0;
    };
    if (::unshare(CLONE_NEWNET) == -1) return fail("unshare CLONE_NEWNET");
    opened.network = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (opened.network == -1) return fail("open /proc/thread-self/ns/net");
    opened.socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return opened.socket == -1 ? fail("socket") : 0;
}

}  // namespace

os::UniqueFd make_silent_descriptor() {
    return os::UniqueFd(os::check(::eventfd(0, EFD_CLOEXEC), "eventfd"));
}

os::UniqueFd make_socket_in_network_of_its_own() {
    constexpr std::size_t kStackSize = 32768;
    alignas(16) std::array<char, kStackSize> stack;
    Opened opened;
    // No CLONE_FS and the like: what it changes of itself ends with it. A process, not a thread, so
    // liblxc still finds one thread only.
    const pid_t pid = os::check(::clone(open_elsewhere, stack.data() + stack.size(),
                                        CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &opened),
                                "clone");
    os::check(os::retry([&] { return ::waitpid(pid, nullptr, 0); }), "waitpid");
    os::UniqueFd network(opened.network);
    os::UniqueFd socket(opened.socket);
    if (opened.failed != nullptr) {
        throw SystemError(opened.code, concat("a network namespace for the kept monitor's socket: ",
                                              opened.failed));
    }
    if (network.get() == handoff::kCommandNetworkFd) {
        (void)network.release();
    } else {
        os::check(::dup3(network.get(), handoff::kCommandNetworkFd, O_CLOEXEC), "dup3");
    }
    return socket;
}

}  // namespace lxcri::libexec
