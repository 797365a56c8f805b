#include "support/tracer.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <stdexcept>

namespace lxcri::test {
namespace {

// Makes waitpid return now and then, so that a deadline can be seen.
class Ticks {
  public:
    Ticks() {
        struct sigaction action = {};
        action.sa_handler = [](int) {};
        sigaction(SIGALRM, &action, &before_);
        const itimerval every{{0, 200'000}, {0, 200'000}};
        setitimer(ITIMER_REAL, &every, nullptr);
    }
    Ticks(const Ticks&) = delete;
    Ticks& operator=(const Ticks&) = delete;
    ~Ticks() {
        const itimerval never{};
        setitimer(ITIMER_REAL, &never, nullptr);
        sigaction(SIGALRM, &before_, nullptr);
    }

  private:
    struct sigaction before_ {};
};

class Session {
  public:
    Session(pid_t command, Victim victim, long cut)
        : command_(command), victim_(victim), cut_(cut) {}

    Traced run(milliseconds timeout);

  private:
    void handle_stop(pid_t pid, int status);
    void handle_system_call(pid_t pid);
    void resume(pid_t pid, int signal_number = 0) const;
    void release_all();
    long options() const;

    pid_t command_;
    Victim victim_;
    long cut_;
    Traced result_;
    bool ended_ = false;
    std::map<pid_t, bool> inside_;  // the tracees; true between the two stops of a system call
};

long Session::options() const {
    const long follow = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL |
           (victim_ == Victim::kDescendant ? follow : 0);
}

void Session::resume(pid_t pid, int signal_number) const {
    ptrace(PTRACE_SYSCALL, pid, nullptr, static_cast<long>(signal_number));
}

void Session::handle_system_call(pid_t pid) {
    bool& inside = inside_[pid];
    inside = !inside;
    const bool counts = (pid == command_) == (victim_ == Victim::kCommand);
    if (inside && counts && !result_.killed && ++result_.calls == cut_) {
        result_.killed = true;
        kill(pid, SIGKILL);
        return;
    }
    resume(pid);
}

void Session::handle_stop(pid_t pid, int status) {
    const int number = WSTOPSIG(status);
    if (!inside_.contains(pid)) {  // its first stop
        inside_[pid] = false;
        ptrace(PTRACE_SETOPTIONS, pid, nullptr, options());
        resume(pid);
    } else if (number == (SIGTRAP | 0x80)) {
        handle_system_call(pid);
    } else if (status >> 16 != 0) {  // fork, clone, exec
        resume(pid);
    } else {
        resume(pid, number);
    }
}

// Lets go of what still runs: the container itself, when all went well.
void Session::release_all() {
    for (const auto& [pid, inside] : inside_) {
        if (pid == command_) continue;
        // Only a stopped one can be let go. If it stops for another reason first, so be it.
        kill(pid, SIGSTOP);
        int status = 0;
        while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
            if (WSTOPSIG(status) == SIGSTOP) {
                ptrace(PTRACE_DETACH, pid, nullptr, 0L);
                break;
            }
            resume(pid);
        }
    }
}

Traced Session::run(milliseconds timeout) {
    const Ticks ticks;
    const auto begin = std::chrono::steady_clock::now();
    while (!ended_) {
        int status = 0;
        const pid_t pid = waitpid(-1, &status, __WALL);
        if (pid > 0 && WIFSTOPPED(status)) {
            handle_stop(pid, status);
        } else if (pid > 0) {
            inside_.erase(pid);
            if (pid == command_) {
                ended_ = true;
                result_.command.status = status;
            }
        }
        if (!ended_ && !result_.hung && milliseconds_left(begin, timeout) == 0) {
            result_.hung = true;
            kill(command_, SIGKILL);
        }
    }
    release_all();
    return result_;
}

}  // namespace

Traced run_and_kill(const Strings& command, const CommandOptions& options, Victim victim,
                    long cut) {
    Stream out;
    Stream err;
    const pid_t pid = start_command(command, options, out, err, true);
    Traced result = Session(pid, victim, cut).run(options.timeout);
    out.take();
    err.take();
    result.command.out = out.text();
    result.command.err = err.text();
    return result;
}

std::vector<long> choose_cuts(long calls, long count) {
    const char* every = std::getenv("LXCRI_TEST_EVERY_CALL");
    const long chosen = every && *every == '1' ? calls : std::min(count, calls);
    std::vector<long> cuts;
    for (long i = 0; i < chosen; ++i) cuts.push_back(1 + i * calls / chosen);
    return cuts;
}

}  // namespace lxcri::test
