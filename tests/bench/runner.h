#pragma once
// Runs commands with as little of our own time in the measurement as possible: posix_spawn, a
// clock, a blocking wait.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lxcri::bench {

using Strings = std::vector<std::string>;

// What the kernel has counted for a process and for those that it has waited for.
struct Usage {
    double cpu_milliseconds = 0;
    double switches = 0;  // of context, voluntary or not
    double faults = 0;    // pages, without input or output

    Usage& operator+=(const Usage& other);
};

struct Timed {
    double milliseconds = 0;
    int status = 0;  // as wait() gives it
    Usage usage{};

    bool succeeded() const { return status == 0; }
    Timed& operator+=(const Timed& other);
};

double now_milliseconds();

// Starts a program with /dev/null on 0, 1 and 2.
pid_t spawn(const Strings& command);
// The same until its end.
Timed run(const Strings& command);
// Until its end or the deadline: then it is killed and has the status of that.
Timed run_within(const Strings& command, int milliseconds);
// Runs it and returns the text it wrote to stdout.
std::string output_of(const Strings& command);
// Waits for a process that was left to us.
Timed reap(pid_t pid);

// Loops that keep every CPU busy, as long as this lives.
class BusyLoops {
  public:
    explicit BusyLoops(int count);
    BusyLoops(const BusyLoops&) = delete;
    BusyLoops& operator=(const BusyLoops&) = delete;
    ~BusyLoops();

  private:
    std::vector<pid_t> pids_;
};

// A pid namespace in which no other program makes processes; returns in its first process, which is
// alone, and ends with what that returns otherwise.
void enter_own_pid_namespace();
// How many processes and threads have been made in there so far.
long processes_made();

double median(std::vector<double> values);
double quantile(std::vector<double> values, double share);

}  // namespace lxcri::bench
