// sched_setscheduler(2): SCHED_FIFO and SCHED_RR, which take CAP_SYS_NICE of the host.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <unistd.h>

#include <cstring>

#include "agent/answer.h"
#include "agent/caller.h"
#include "base/error.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/namespace.h"

namespace lxcri::agent {

namespace {

// The caller's capability counts for threads in its user namespace and below. Others can be in the
// same pid namespace: those that an administrator has moved into it.
void check_thread(pid_t pid, int user_namespace) {
    const os::UniqueFd proc = os::NewFilesystem("proc").mount(0);
    os::UniqueFd its;
    try {
        its = os::open_at(proc.get(), concat(std::to_string(pid), "/ns/user"), O_RDONLY);
    } catch (const SystemError& error) {
        if (error.code() == ENOENT) throw SystemError(ESRCH, "sched_setscheduler");
        throw;
    }
    if (!os::is_same_or_below(its.get(), user_namespace)) {
        throw SystemError(EPERM, "sched_setscheduler");
    }
}

// proc_pid_mountinfo(5) shows what is below the root directory of the process. In the container's
// mount namespace the kernel might refuse the new procfs (mount_namespaces(7)).
void hide_mounts() {
    const os::UniqueFd empty = os::NewFilesystem("tmpfs").mount(0);
    os::check(::fchdir(empty.get()), "fchdir");
    os::check(::chroot("."), "chroot");
}

// In a pid namespace the number means a thread of the container. If it ends after the look, and
// the number is given again, that is to a thread in the same pid namespace.
void set_in_pid_namespace(const Request& request, const Caller& caller, int pid_namespace,
                          pid_t pid, int policy, const sched_param& param) {
    const auto namespaces = open_namespaces(caller, {"cgroup", "ipc", "uts", "net", "time"});
    os::check(::setns(pid_namespace, CLONE_NEWPID), "setns CLONE_NEWPID");
    caller.check_pending();
    join_namespaces(namespaces);
    hide_mounts();
    // Only a child is in the pid namespace.
    (void)handoff::call_in_child([&]() -> std::vector<os::UniqueFd> {
        check_thread(pid, request.user_namespace);
        os::check(::sched_setscheduler(pid, policy, &param), "sched_setscheduler");
        return {};
    });
}

}  // namespace

Answer answer_scheduler(const Request& request) {
    const int policy = static_cast<int>(request.argument(1));
    const int kind = policy & ~SCHED_RESET_ON_FORK;
    if (kind != SCHED_FIFO && kind != SCHED_RR) return Answer::to_kernel();
    const Caller caller(request.listener, request.notif);
    if (!caller.may(CAP_SYS_NICE, request.user_namespace)) return Answer::to_kernel();
    sched_param param{};
    const std::string bytes = caller.read_memory(request.argument(2), sizeof param);
    std::memcpy(&param, bytes.data(), sizeof param);
    if (param.sched_priority > request.policy->most_priority) return Answer::to_kernel();
    const os::UniqueFd pid_namespace = caller.open("ns/pid", O_RDONLY);
    // The number may mean a process of the host, or of another container.
    if (os::is_own_namespace(pid_namespace.get(), "pid") ||
        !os::belongs_to(pid_namespace.get(), request.user_namespace)) {
        return Answer::to_kernel();
    }
    const auto pid = static_cast<pid_t>(request.argument(0));
    if (pid < 0) throw SystemError(EINVAL, "sched_setscheduler");
    set_in_pid_namespace(request, caller, pid_namespace.get(),
                         pid == 0 ? caller.credentials().innermost_pid : pid, policy, param);
    return {};
}

}  // namespace lxcri::agent
