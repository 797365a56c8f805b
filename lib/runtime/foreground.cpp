#include "runtime/foreground.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "os/check.h"

namespace lxcri::runtime {

namespace {

os::UniqueFd block_all_signals() {
    sigset_t all;
    sigfillset(&all);
    os::check(::sigprocmask(SIG_BLOCK, &all, nullptr), "sigprocmask");
    return os::UniqueFd(os::check(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
}

bool is_for_the_process(int signal) {
    return signal != SIGCHLD && signal != SIGPIPE && signal != SIGURG && signal != SIGWINCH &&
           signal != SIGTTIN && signal != SIGTTOU;
}

// As a subreaper `run` gets the orphans of the container too. How `pid` ended, if it has.
std::optional<os::ExitStatus> reap_all(pid_t pid) {
    std::optional<os::ExitStatus> result;
    while (true) {
        siginfo_t info{};
        const int waited = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG);
        // Without an answer now there would be none for good.
        if (waited == -1 && !result) throw SystemError(errno, "waitid", std::to_string(pid));
        if (waited == -1 || info.si_pid == 0) return result;
        if (info.si_pid != pid) continue;
        result = info.si_code == CLD_EXITED ? os::ExitStatus::exited(info.si_status)
                                            : os::ExitStatus::signalled(info.si_status);
    }
}

}  // namespace

Foreground::Foreground() : signals_(block_all_signals()) {}

bool Foreground::take_signals(const os::ProcessRef& target, attached::TerminalRelay* relay) {
    bool child_has_ended = false;
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        const int signal = static_cast<int>(info.ssi_signo);
        if (signal == SIGCHLD) child_has_ended = true;
        if (signal == SIGWINCH && relay != nullptr) relay->follow_window_size();
        if (is_for_the_process(signal)) target.signal(signal);
    }
    return child_has_ended;
}

os::ExitStatus Foreground::follow(const os::ProcessRef& target, pid_t child,
                                  attached::TerminalRelay* relay, attached::NotifySocket* notify) {
    auto status = reap_all(child);
    while (!status) {
        std::array<pollfd, 3> terminal{{{-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}}};
        if (relay != nullptr) terminal = relay->interest();
        std::array<pollfd, 5> wanted{{{signals_.get(), POLLIN, 0},
                                      {notify != nullptr ? notify->fd() : -1, POLLIN, 0},
                                      terminal[0],
                                      terminal[1],
                                      terminal[2]}};
        os::check(os::retry([&] { return ::poll(wanted.data(), wanted.size(), -1); }), "poll");
        if (relay != nullptr) relay->transfer({wanted[2], wanted[3], wanted[4]});
        // We stay the process that the manager knows: no pid, no waiting.
        if (notify != nullptr && wanted[1].revents != 0) (void)notify->relay(0);
        if (wanted[0].revents != 0 && take_signals(target, relay)) status = reap_all(child);
    }
    if (notify != nullptr) (void)notify->relay(0);  // what it said before it ended
    if (relay != nullptr) relay->drain();
    return *status;
}

bool Foreground::asks_to_end(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

int Foreground::wait_for_end(os::Deadline deadline) {
    pollfd wanted{signals_.get(), POLLIN, 0};
    while (os::check(os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(deadline)); }),
                     "poll") > 0) {
        signalfd_siginfo info{};
        if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info))
            continue;
        const int signal = static_cast<int>(info.ssi_signo);
        if (asks_to_end(signal)) return signal;
    }
    return 0;
}

}  // namespace lxcri::runtime
