#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "init_steps.h"
#include "os/check.h"

namespace lxcri::libexec {

namespace {

// Those that cannot be handled, that init ignores, and whose default is not to end: signal(7).
constexpr std::array kOthers{SIGKILL, SIGSTOP, SIGPIPE, SIGCHLD, SIGCONT,
                             SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH};

// As a shell tells it. A handler, and not a signalfd, because init waits in one read.
extern "C" void end_by(int signal) {
    ::_exit(128 + signal);
}

void end_on(int signal) {
    struct sigaction action {};
    action.sa_handler = end_by;
    os::check(::sigaction(signal, &action, nullptr), "sigaction");
}

}  // namespace

void end_on_signals() {
    if (::getpid() != 1) return;  // the default is in force
    for (int signal = 1; signal <= SIGSYS; ++signal) {
        const bool ends = std::find(kOthers.begin(), kOthers.end(), signal) == kOthers.end();
        if (ends) end_on(signal);
    }
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) end_on(signal);
}

}  // namespace lxcri::libexec
