#pragma once
// Programs started by the tests, and the processes that they leave to us.
// The test program is a child subreaper, as conmon and containerd's shim are: what a runtime
// leaves behind becomes our child, and its exit status is ours to collect.

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/stream.h"

namespace lxcri::test {

using Strings = std::vector<std::string>;

// How a program is started. Without more it gets /dev/null, our two pipes and a short environment.
struct CommandOptions {
    std::optional<std::string> input{};         // text for descriptor 0
    std::vector<std::pair<int, int>> fds{};     // {ours, its number there}; -1: closed
    std::optional<Strings> environment{};       // exactly this
    std::filesystem::path working_directory{};  // ours when empty
    milliseconds timeout = kDeadline;
    std::vector<int> ignored_signals{};  // dispositions that the program inherits
    std::vector<int> blocked_signals{};
    std::optional<mode_t> umask{};
    std::optional<uid_t> uid{};  // and the same gid, no groups
};

// What became of a program.
struct Finished {
    int status = 0;  // as wait() gives it
    std::string out{};
    std::string err{};
    std::chrono::microseconds duration{};
    rusage usage{};

    // The exit status, or minus the signal's number.
    int code() const;
};

// "exit 3" or "signal 9", for messages.
std::string describe_status(int status);

class Process {
  public:
    explicit Process(const Strings& command, const CommandOptions& options = {});
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    // Kills and reaps what still runs.
    ~Process();

    pid_t pid() const { return pid_; }
    void signal(int number) const;
    Stream& out() { return out_; }
    Stream& err() { return err_; }

    // Until it ended and no process holds its output any more.
    Finished wait();
    // Until it ended; takes of its output what is there.
    Finished wait_exit_only();

  private:
    void reap(int timeout_ms);

    pid_t pid_ = -1;
    os::UniqueFd pidfd_;
    Stream out_;
    Stream err_;
    milliseconds timeout_;
    std::chrono::steady_clock::time_point begin_;
    std::optional<Finished> finished_;
};

Finished run_command(const Strings& command, const CommandOptions& options = {});

// The part of Process that starts a program: its pid, or an exception with the reason. `traced`
// makes it a tracee of ours that stops at exec.
pid_t start_command(const Strings& command, const CommandOptions& options, Stream& out, Stream& err,
                    bool traced = false);

// --- other people's processes ----------------------------------------------------------------

void become_subreaper();

// The exit status of a process that was left to us, as wait() gives it. Throws when it is not our
// child: then its real parent, another process, gets the status.
int wait_for_child(pid_t pid, milliseconds timeout = kDeadline);

// Waits until the process is gone or a zombie. It may have any parent.
void wait_until_dead(pid_t pid, milliseconds timeout = kDeadline);

bool is_alive(pid_t pid);  // exists and is not a zombie
pid_t parent_of(pid_t pid);
std::string command_line_of(pid_t pid);

// Our children that are alive; zombies among them are reaped on the way.
std::vector<pid_t> living_children();
// Waits until no child but the excepted ones is left alive, at most so long; returns those that
// are.
std::vector<pid_t> wait_for_children(milliseconds timeout, const std::vector<pid_t>& except = {});

// 0 or more milliseconds without doing anything: for kills at arbitrary moments, never to wait
// for something.
void let_time_pass(std::chrono::microseconds duration);

}  // namespace lxcri::test
