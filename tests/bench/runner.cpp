#include "bench/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "os/unique_fd.h"

namespace lxcri::bench {
namespace {

std::vector<char*> c_strings(const Strings& strings) {
    std::vector<char*> result;
    for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

pid_t spawn_with_output(const Strings& command, int output_fd) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    if (output_fd < 0) {
        posix_spawn_file_actions_adddup2(&actions, 0, 1);
    } else {
        posix_spawn_file_actions_adddup2(&actions, output_fd, 1);
    }
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
    std::vector<char*> arguments = c_strings(command);
    const Strings short_environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    std::vector<char*> variables = c_strings(short_environment);
    pid_t pid = -1;
    const int code = posix_spawn(&pid, command.front().c_str(), &actions, nullptr, arguments.data(),
                                 variables.data());
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) {
        throw std::runtime_error("cannot start '" + command.front() + "': " + std::strerror(code));
    }
    return pid;
}

}  // namespace

double now_milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

pid_t spawn(const Strings& command) {
    return spawn_with_output(command, -1);
}

Usage& Usage::operator+=(const Usage& other) {
    cpu_milliseconds += other.cpu_milliseconds;
    switches += other.switches;
    faults += other.faults;
    return *this;
}

Timed& Timed::operator+=(const Timed& other) {
    milliseconds += other.milliseconds;
    usage += other.usage;
    return *this;
}

Timed reap(pid_t pid) {
    Timed timed;
    rusage usage{};
    const double begin = now_milliseconds();
    if (wait4(pid, &timed.status, 0, &usage) != pid) {
        throw std::runtime_error("process " + std::to_string(pid) + " was not left to us");
    }
    timed.milliseconds = now_milliseconds() - begin;
    const auto milliseconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    timed.usage = {milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
                   static_cast<double>(usage.ru_nvcsw + usage.ru_nivcsw),
                   static_cast<double>(usage.ru_minflt)};
    return timed;
}

Timed run(const Strings& command) {
    const double begin = now_milliseconds();
    Timed timed = reap(spawn(command));
    timed.milliseconds = now_milliseconds() - begin;
    return timed;
}

BusyLoops::BusyLoops(int count) {
    for (int i = 0; i < count; ++i) {
        const pid_t pid = fork();
        if (pid < 0) throw std::runtime_error("fork");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (true) (void)getppid();
        }
        pids_.push_back(pid);
    }
}

BusyLoops::~BusyLoops() {
    for (const pid_t pid : pids_) {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
}

void enter_own_pid_namespace() {
    if (unshare(CLONE_NEWPID) < 0) throw std::runtime_error("no pid namespace of its own");
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("fork");
    if (pid > 0) {
        int status = 0;
        waitpid(pid, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mount("proc", "/proc", "proc", 0, nullptr) < 0) throw std::runtime_error("no procfs");
}

long processes_made() {
    std::ifstream file("/proc/sys/kernel/ns_last_pid");
    long last = 0;
    if (!(file >> last)) throw std::runtime_error("no /proc/sys/kernel/ns_last_pid");
    return last;
}

Timed run_within(const Strings& command, int milliseconds) {
    Timed timed;
    const double begin = now_milliseconds();
    const pid_t pid = spawn(command);
    const os::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    pollfd wait{pidfd.get(), POLLIN, 0};
    if (poll(&wait, 1, milliseconds) != 1) kill(pid, SIGKILL);
    timed.status = reap(pid).status;
    timed.milliseconds = now_milliseconds() - begin;
    return timed;
}

std::string output_of(const Strings& command) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) throw std::runtime_error("pipe2");
    const os::UniqueFd read_end(ends[0]);
    os::UniqueFd write_end(ends[1]);
    const pid_t pid = spawn_with_output(command, write_end.get());
    write_end.reset();
    std::string text;
    std::array<char, 4096> buffer;
    ssize_t size = 0;
    while ((size = read(read_end.get(), buffer.data(), buffer.size())) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    (void)reap(pid);
    return text;
}

double quantile(std::vector<double> values, double share) {
    if (values.empty()) return std::nan("");
    std::sort(values.begin(), values.end());
    const double place = share * static_cast<double>(values.size() - 1);
    const std::size_t below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double part = place - static_cast<double>(below);
    return values[below] * (1 - part) + values[above] * part;
}

double median(std::vector<double> values) {
    return quantile(std::move(values), 0.5);
}

}  // namespace lxcri::bench
