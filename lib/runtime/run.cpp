#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "os/check.h"
#include "runtime/operations.h"

namespace lxcri::runtime {

namespace {

// Every signal waits in the queue from now on, so that none is lost between create and wait.
sigset_t block_all_signals() {
    sigset_t all;
    sigfillset(&all);
    os::check(::sigprocmask(SIG_BLOCK, &all, nullptr), "sigprocmask");
    return all;
}

bool is_for_the_container(int signal) {
    return signal != SIGCHLD && signal != SIGPIPE && signal != SIGURG && signal != SIGWINCH &&
           signal != SIGTTIN && signal != SIGTTOU;
}

// As a subreaper we get the orphans of the container too. How `pid` ended, if it has.
std::optional<os::ExitStatus> reap_all(pid_t pid) {
    std::optional<os::ExitStatus> result;
    while (true) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == -1 || info.si_pid == 0) return result;
        if (info.si_pid != pid) continue;
        result = info.si_code == CLD_EXITED ? os::ExitStatus::exited(info.si_status)
                                            : os::ExitStatus::signalled(info.si_status);
    }
}

// `child` ends as the container process does: that process itself, or a resident monitor.
int wait_and_forward(const os::ProcessRef& init, pid_t child, const sigset_t& signals) {
    while (true) {
        if (const auto status = reap_all(child)) return status->to_shell_code();
        siginfo_t info{};
        const int signal = os::retry([&] { return ::sigwaitinfo(&signals, &info); });
        if (signal > 0 && is_for_the_container(signal)) init.signal(signal);
    }
}

}  // namespace

int run(const Options& options, RunOptions run_options) {
    run_options.create.start_now = true;
    if (run_options.detach) {
        run_options.create.start_now = false;
        Created created = create(options, run_options.create);
        if (created.monitor) created.monitor->release();
        try {
            start(options, run_options.create.id);
        } catch (const Error&) {
            remove(options, run_options.create.id, true);
            throw;
        }
        return 0;
    }
    // When the monitor ends, the container process becomes our child.
    os::check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl PR_SET_CHILD_SUBREAPER");
    const sigset_t signals = block_all_signals();
    Created created = create(options, run_options.create);
    const pid_t child = created.monitor ? created.monitor->pid() : created.init.pid();
    const int code = wait_and_forward(created.init, child, signals);
    if (created.monitor) created.monitor->release();
    if (!run_options.keep) remove(options, run_options.create.id, true);
    return code;
}

}  // namespace lxcri::runtime
