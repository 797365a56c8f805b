#include "support/tracer.h"

#if defined(__riscv)
#include <asm/ptrace.h>
#endif
#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
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

// What is done at the chosen call.
struct Cut {
    Victim victim = Victim::kCommand;
    long call = 0;
    int error = 0;                      // 0: the victim is killed
    long system_call = -1;              // not -1: only calls of this number count
    std::function<void()> action = {};  // the victim waits meanwhile
    long times = 1;                     // so many calls fail
};

// The number of the system call that the stopped tracee is about to make.
long system_call_of(pid_t pid) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return -1;
    return info.op == PTRACE_SYSCALL_INFO_ENTRY ? static_cast<long>(info.entry.nr) : -1;
}

// At the entrance of a system call: there is none of this number.
void skip_system_call(pid_t pid) {
#if defined(__x86_64__)
    ptrace(PTRACE_POKEUSER, pid, offsetof(user_regs_struct, orig_rax), -1L);
#elif defined(__aarch64__)
    int number = -1;
    iovec part{&number, sizeof number};
    ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part);
#elif defined(__riscv)
    user_regs_struct registers{};
    iovec part{&registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
    registers.a7 = ~0UL;
    ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
#else
#error "which register has the number of the system call?"
#endif
}

// At its end.
void set_result(pid_t pid, long result) {
#if defined(__x86_64__)
    ptrace(PTRACE_POKEUSER, pid, offsetof(user_regs_struct, rax), result);
#elif defined(__aarch64__)
    user_regs_struct registers{};
    iovec part{&registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
    registers.regs[0] = static_cast<unsigned long long>(result);
    ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
#elif defined(__riscv)
    user_regs_struct registers{};
    iovec part{&registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
    registers.a0 = static_cast<unsigned long>(result);
    ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
#endif
}

// Not those that do not return, and not close(2), after which the descriptor is gone in any case.
bool can_fail(long number) {
    return number != SYS_exit && number != SYS_exit_group && number != SYS_rt_sigreturn &&
           number != SYS_close;
}

// Of an instruction, not of a sender: it comes again when the instruction does.
bool is_fault(int signal_number) {
    return signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGILL ||
           signal_number == SIGFPE;
}

class Session {
  public:
    Session(pid_t command, Cut cut) : command_(command), cut_(std::move(cut)) {}

    Traced run(milliseconds timeout);

  private:
    void handle_stop(pid_t pid, int status);
    void handle_system_call(pid_t pid);
    void enter_system_call(pid_t pid);
    void resume(pid_t pid, int signal_number = 0) const;
    void release_all();
    long options() const;

    pid_t command_;
    Cut cut_;
    Traced result_;
    bool ended_ = false;
    pid_t failing_ = -1;            // its current system call does not take place
    std::map<pid_t, bool> inside_;  // the tracees; true between the two stops of a system call
};

long Session::options() const {
    const long follow = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL |
           (cut_.victim == Victim::kDescendant ? follow : 0);
}

void Session::resume(pid_t pid, int signal_number) const {
    ptrace(PTRACE_SYSCALL, pid, nullptr, static_cast<long>(signal_number));
}

void Session::enter_system_call(pid_t pid) {
    if (result_.killed && result_.calls >= cut_.call + cut_.times - 1) return;
    if ((pid == command_) != (cut_.victim == Victim::kCommand)) return;
    const long number = system_call_of(pid);
    if (cut_.error != 0 && !can_fail(number)) return;
    if (cut_.system_call != -1 && number != cut_.system_call) return;
    if (++result_.calls < cut_.call || cut_.call == 0) return;
    result_.killed = true;
    result_.number = number;
    if (cut_.action) {
        cut_.action();
    } else if (cut_.error != 0) {
        failing_ = pid;
        skip_system_call(pid);
    } else {
        kill(pid, SIGKILL);
    }
}

void Session::handle_system_call(pid_t pid) {
    bool& inside = inside_[pid];
    inside = !inside;
    if (inside) {
        enter_system_call(pid);
    } else if (pid == failing_) {
        failing_ = -1;
        set_result(pid, -cut_.error);
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
    } else if (is_fault(number)) {
        // It would have died, but the kernel does not let a fault end a PID 1 that is traced.
        inside_.erase(pid);
        ptrace(PTRACE_DETACH, pid, nullptr, 0L);
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

Traced run_traced(const Strings& command, const CommandOptions& options, Cut cut) {
    Stream out;
    Stream err;
    const pid_t pid = start_command(command, options, out, err, true);
    Traced result = Session(pid, std::move(cut)).run(options.timeout);
    out.take();
    err.take();
    result.command.out = out.text();
    result.command.err = err.text();
    return result;
}

}  // namespace

Traced run_and_kill(const Strings& command, const CommandOptions& options, Victim victim,
                    long cut) {
    return run_traced(command, options, {victim, cut});
}

Traced run_and_fail(const Strings& command, const CommandOptions& options, Victim victim, long cut,
                    int error) {
    return run_traced(command, options, {victim, cut, error});
}

Traced run_and_fail_calls(const Strings& command, const CommandOptions& options, long system_call,
                          long nth, long times, int error) {
    return run_traced(command, options, {Victim::kCommand, nth, error, system_call, {}, times});
}

Traced run_and_interrupt(const Strings& command, const CommandOptions& options, long system_call,
                         const std::function<void()>& action, long nth) {
    return run_traced(command, options, {Victim::kCommand, nth, 0, system_call, action});
}

std::vector<long> choose_cuts(long calls, long count) {
    const char* one = std::getenv("LXCRI_TEST_CALL");
    if (one != nullptr) return {std::atol(one)};
    const char* every = std::getenv("LXCRI_TEST_EVERY_CALL");
    const long chosen = every && *every == '1' ? calls : std::min(count, calls);
    std::vector<long> cuts;
    for (long i = 0; i < chosen; ++i) cuts.push_back(1 + i * calls / chosen);
    return cuts;
}

}  // namespace lxcri::test
