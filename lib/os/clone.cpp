#include "os/clone.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/check.h"
#include "os/file_lock.h"
#include "os/own_stack.h"
#include "os/process.h"

namespace lxcri::os {

namespace {

// s390 has the stack first.
long old_clone(unsigned long flags, int* pidfd) noexcept {
#if defined(__s390x__)
    return ::syscall(SYS_clone, nullptr, flags, pidfd, nullptr, 0);
#else
    return ::syscall(SYS_clone, flags, nullptr, pidfd, nullptr, 0);
#endif
}

// A caller that ignores SIGCHLD has passed that on to us, and the kernel would reap our children by
// itself (sigaction(2)).
void keep_zombies() noexcept {
    struct sigaction disposition {};
    if (::sigaction(SIGCHLD, nullptr, &disposition) != 0) return;
    if (disposition.sa_handler != SIG_IGN) return;
    disposition.sa_handler = SIG_DFL;
    (void)::sigaction(SIGCHLD, &disposition, nullptr);
}

}  // namespace

Cloned clone_process(std::uint64_t flags, int exit_signal, int into_cgroup) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = flags;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = static_cast<std::uint64_t>(exit_signal);
    if (into_cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(into_cgroup);
    }
    long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    const bool in_cgroup = pid != -1 && into_cgroup >= 0;
    if (pid == -1 && (errno == ENOSYS || errno == EPERM)) {
        const auto old_flags = static_cast<unsigned long>(flags);
        pid =
            check(old_clone(old_flags | static_cast<unsigned long>(exit_signal), &pidfd), "clone");
    }
    check(pid, "clone3");
    return {static_cast<pid_t>(pid), UniqueFd(pid == 0 ? -1 : pidfd), in_cgroup};
}

Cloned clone_child(int into_cgroup) {
    keep_zombies();
    const pid_t self = ::getpid();
    Cloned child = clone_process(CLONE_PIDFD, SIGCHLD, into_cgroup);
    if (child.pid == 0) {
        end_with_parent(self);
        close_locks_of_parent();
    }
    return child;
}

Cloned start_in_our_memory(int (*run)(void*), void* argument) {
    keep_zombies();
    const OwnStack stack;
    if (!stack.is_there()) throw SystemError(errno, "mmap", "a stack");
    struct Start {
        int (*run)(void*);
        void* argument;
        pid_t parent;
    } start{run, argument, ::getpid()};
    const auto begin = [](void* given) {
        const auto& child = *static_cast<const Start*>(given);
        end_with_parent(child.parent);
        return child.run(child.argument);
    };
    // A handler of ours, run in the child, would act on our memory.
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    (void)::sigprocmask(SIG_SETMASK, &all, &old);
    int pidfd = -1;
    constexpr int kFlags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    const pid_t pid = ::clone(begin, stack.top(), kFlags, &start, &pidfd);
    const int code = errno;
    (void)::sigprocmask(SIG_SETMASK, &old, nullptr);
    if (pid == -1) throw SystemError(code, "clone");
    return {pid, UniqueFd(pidfd), false};
}

bool is_clone3_allowed() noexcept {
    // Arguments of no size are refused before anything else is looked at.
    return ::syscall(SYS_clone3, nullptr, 0) == -1 && errno == EINVAL;
}

}  // namespace lxcri::os
