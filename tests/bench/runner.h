#pragma once
// Runs commands with as little of our own time in the measurement as possible: posix_spawn, a
// clock, a blocking wait.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lxcri::bench {

using Strings = std::vector<std::string>;

struct Timed {
    double milliseconds = 0;
    int status = 0;  // as wait() gives it

    bool succeeded() const { return status == 0; }
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
int reap(pid_t pid);

double median(std::vector<double> values);
double quantile(std::vector<double> values, double share);

}  // namespace lxcri::bench
