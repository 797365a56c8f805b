#pragma once
// Processes as {pid, start time, pidfd}: a pid alone may mean another process a moment later.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::os {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;
inline constexpr Deadline kNoDeadline = Deadline::max();  // wait for ever

// The milliseconds for poll(2): -1 for kNoDeadline, 0 if it has passed.
int poll_timeout(Deadline deadline);

// What /proc/PID/stat says (proc_pid_stat(5)).
struct ProcessStat {
    char state;                // R S D Z T t X ...
    pid_t parent;              // in the pid namespace of the procfs
    std::uint64_t start_time;  // clock ticks since boot
};
// Nothing for a process that has gone, or that /proc hides from us.
std::optional<ProcessStat> find_process_stat(pid_t pid);
// Does this process exist, and has it not ended? For those who only ask: it needs no pidfd.
bool is_alive(pid_t pid, std::uint64_t start_time);
// The process of a pidfd, in the pid namespace of our /proc. Returns nullopt if it has ended.
std::optional<pid_t> find_pid(int pidfd);
ProcessStat parse_process_stat(std::string_view text);
// What /proc/PID/status has behind "NAME:" and the blanks after it: proc_pid_status(5).
std::optional<std::string_view> find_status_value(std::string_view text, std::string_view name);

// The threads of a process, those too that have ended and are not gone yet. Empty for a process
// that has gone, or that /proc hides from us.
std::vector<pid_t> thread_ids(pid_t pid);
// Does one of them use a CPU, or wait for its turn?
bool has_runnable_thread(pid_t pid);

// How a process ended, as waitid(2) tells it.
class ExitStatus {
  public:
    static ExitStatus exited(int code) { return ExitStatus(code, false); }
    static ExitStatus signalled(int signal) { return ExitStatus(signal, true); }

    bool success() const noexcept { return !signalled_ && value_ == 0; }
    bool is_signal() const noexcept { return signalled_; }
    int value() const noexcept { return value_; }
    // The only place that computes 128 + signal.
    int to_shell_code() const noexcept { return signalled_ ? 128 + value_ : value_; }
    std::string describe() const;  // "exited with status 3", "was killed by signal 9 (Killed)"

  private:
    ExitStatus(int value, bool is_signalled) : value_(value), signalled_(is_signalled) {}
    int value_;
    bool signalled_;
};

// A thread that lives.
struct LivingThread {
    pid_t tid = 0;   // for its files below /proc
    UniqueFd pidfd;  // for setns(2)
};

// A process that need not be our child.
class ProcessRef {
  public:
    // The process that has `pid` now; its start time is 0 if /proc hides it from us.
    // Throws SystemError(ESRCH) if there is none.
    static ProcessRef open(pid_t pid);
    // The process with this pid and this start time, when one of its threads still lives.
    static std::optional<ProcessRef> find(pid_t pid, std::uint64_t start_time);

    pid_t pid() const noexcept { return pid_; }
    std::uint64_t start_time() const noexcept { return start_time_; }
    int pidfd() const noexcept { return pidfd_.get(); }

    // pidfd_send_signal(2). Returns false if the process has gone.
    bool signal(int number) const;
    // pidfd_getfd(2): a copy of its descriptor with this number.
    UniqueFd take_descriptor(int fd) const;
    // Waits until it has exited (a zombie has). Returns false if the deadline passed first.
    bool wait_exit(Deadline deadline) const;
    // The first thread, where that lives. A thread that has ended is in no namespace any more, and
    // the first one may end before others do; to join theirs takes Linux 6.9.
    // Returns nullopt if all have ended.
    std::optional<LivingThread> find_living_thread() const;

  private:
    ProcessRef(pid_t pid, std::uint64_t start_time, UniqueFd pidfd)
        : pid_(pid), start_time_(start_time), pidfd_(std::move(pidfd)) {}
    pid_t pid_;
    std::uint64_t start_time_;
    UniqueFd pidfd_;
};

// SIGKILL ends a process at once, unless it waits in the kernel or is frozen with cgroup version 1.
// After this time it is left to itself: it ends when it can.
constexpr std::chrono::seconds kTimeToDie{5};

// A child of ours. Destroyed while it runs it is killed and reaped: to forget one is impossible.
class ChildProcess {
  public:
    ChildProcess(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    ChildProcess(ChildProcess&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess() { kill_and_reap(); }

    pid_t pid() const noexcept { return pid_; }
    int pidfd() const noexcept { return pidfd_.get(); }
    bool running() const noexcept { return pid_ > 0; }

    // Through the pidfd, so that one that was reaped is never mistaken for kill(2)'s "all".
    // Returns false if there is none any more.
    bool signal(int number) const;
    // Returns nullopt if the deadline passes first.
    std::optional<ExitStatus> wait(Deadline deadline = kNoDeadline);
    // Returns false if it had not ended at the deadline. It is given up then, with the signal.
    bool kill_and_reap(Deadline deadline = Clock::now() + kTimeToDie) noexcept;
    void release() noexcept { pid_ = -1; }  // it goes on without us

  private:
    pid_t pid_;
    UniqueFd pidfd_;
};

// fork(2) with a pidfd, for a child that goes on in this program (else: spawn.h). In the child the
// result is empty. The process must have one thread only. The child dies with us and has none of
// our locks (file_lock.h).
std::optional<ChildProcess> fork_child();

// From now on this process is killed when its parent ends, also when `parent` has ended already.
// A change of credentials, and the execution of a program that changes them, undo that (prctl(2)).
void end_with_parent(pid_t parent) noexcept;

// waitid(2) for a child, by pid.
ExitStatus reap(pid_t pid);

// SIGKILL to `child` and all that it has started and left: while it ends this process is the one
// that inherits them (PR_SET_CHILD_SUBREAPER). Other children of this process stay. What the kernel
// does not let die is given up at the deadline.
// Unless they are to be killed as well.
enum class OtherChildren { spare, kill };
void kill_with_descendants(ChildProcess& child, Deadline deadline,
                           OtherChildren others = OtherChildren::spare);

// An empty session keyring of its own instead of the one that it shares with others. Where this
// kernel or a sandbox gives no keyrings there is none to share either.
void begin_session_keyring();

// Closes all descriptors but these and 0 to 2. Returns 0 or an errno (ENOSYS: Linux before 5.9, or
// a sandbox that does not know close_range). Allocates nothing.
int close_others(std::span<int> kept) noexcept;  // sorts them

// Default disposition for every signal and an empty mask: what an exec'd program may expect.
void reset_signals() noexcept;

// Ends this process as another one has ended, without a core dump. Returns the exit code to end
// with, where that one was not killed, or by a signal that does not kill us.
int end_like(const ExitStatus& status);

// Sets FD_CLOEXEC on every descriptor from `first` on, so that an exec leaks none of them.
void close_on_exec_from(int first);

}  // namespace lxcri::os
