#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grp.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "support/files.h"

namespace lxcri::test {
namespace {

// glibc 2.36 declares pidfd_open without C linkage.
UniqueFd open_pidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

std::vector<char*> c_strings(const Strings& strings) {
    std::vector<char*> result;
    for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

UniqueFd input_fd(const CommandOptions& options) {
    if (!options.input) return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    UniqueFd fd(memfd_create("input", MFD_CLOEXEC));
    if (write(fd.get(), options.input->data(), options.input->size()) < 0) {
        throw std::runtime_error("cannot write the input");
    }
    lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

// Runs in the child: puts the descriptors into their places and closes all others.
bool place_descriptors(std::vector<std::pair<int, int>>& fds) {
    int highest = 2;
    for (const auto& [ours, theirs] : fds) highest = std::max(highest, theirs);
    for (auto& [ours, theirs] : fds) {
        if (ours < 0) continue;
        ours = fcntl(ours, F_DUPFD_CLOEXEC, highest + 1);
        if (ours < 0) return false;
    }
    close_range(0, static_cast<unsigned>(highest), CLOSE_RANGE_CLOEXEC);
    close_range(static_cast<unsigned>(highest) + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const auto& [ours, theirs] : fds) {
        if (ours >= 0 && dup2(ours, theirs) < 0) return false;
    }
    return true;
}

[[noreturn]] void become_command(const Strings& command, const CommandOptions& options,
                                 std::vector<std::pair<int, int>> fds, int failure_fd,
                                 bool traced) {
    // dup2 in place_descriptors may take the failure pipe's number: keep it out of the way.
    const int report = fcntl(failure_fd, F_DUPFD_CLOEXEC, 30);
    const bool placed = place_descriptors(fds);
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int number : options.blocked_signals) sigaddset(&blocked, number);
    sigprocmask(SIG_SETMASK, &blocked, nullptr);
    for (const int number : options.ignored_signals) ::signal(number, SIG_IGN);
    if (options.umask) umask(*options.umask);
    bool prepared = placed && (!traced || ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
    if (!options.working_directory.empty()) {
        prepared = prepared && chdir(options.working_directory.c_str()) == 0;
    }
    if (options.uid) {
        prepared = prepared && setgroups(0, nullptr) == 0 &&
                   setresgid(*options.uid, *options.uid, *options.uid) == 0 &&
                   setresuid(*options.uid, *options.uid, *options.uid) == 0;
    }
    if (prepared) {
        std::vector<char*> arguments = c_strings(command);
        const Strings default_environment = {
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
        const Strings& chosen = options.environment ? *options.environment : default_environment;
        std::vector<char*> environment = c_strings(chosen);
        execve(command.front().c_str(), arguments.data(), environment.data());
    }
    const int code = errno;
    (void)!write(report, &code, sizeof code);
    _exit(127);
}

}  // namespace

int Finished::code() const {
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::string describe_status(int status) {
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : "exit " + std::to_string(WEXITSTATUS(status));
}

pid_t start_command(const Strings& command, const CommandOptions& options, Stream& out, Stream& err,
                    bool traced) {
    const UniqueFd input = input_fd(options);
    std::vector<std::pair<int, int>> fds = {
        {input.get(), 0}, {out.write_end(), 1}, {err.write_end(), 2}};
    for (const auto& pair : options.fds) {
        std::erase_if(fds, [&](const auto& known) { return known.second == pair.second; });
        fds.push_back(pair);
    }
    std::array<int, 2> failure{};
    if (pipe2(failure.data(), O_CLOEXEC) < 0) throw std::runtime_error("pipe2");
    const UniqueFd failure_read(failure[0]);
    UniqueFd failure_write(failure[1]);

    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("fork");
    if (pid == 0) {
        become_command(command, options, std::move(fds), failure_write.get(), traced);
    }
    failure_write.reset();
    out.close_write_end();
    err.close_write_end();
    int code = 0;
    if (read(failure_read.get(), &code, sizeof code) == sizeof code) {
        waitpid(pid, nullptr, 0);
        throw std::runtime_error("cannot start '" + command.front() + "': " + std::strerror(code));
    }
    return pid;
}

Process::Process(const Strings& command, const CommandOptions& options)
    : timeout_(options.timeout), begin_(std::chrono::steady_clock::now()) {
    pid_ = start_command(command, options, out_, err_);
    pidfd_ = open_pidfd(pid_);
}

Process::~Process() {
    if (pid_ < 0 || finished_) return;
    kill(pid_, SIGKILL);
    kill(pid_, SIGCONT);
    waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

void Process::reap(int timeout_ms) {
    if (finished_) return;
    pollfd wait{pidfd_.get(), POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) != 1) {
        throw std::runtime_error("the command did not end in time; stderr so far: '" + err_.text() +
                                 "'");
    }
    Finished finished;
    if (wait4(pid_, &finished.status, 0, &finished.usage) != pid_) {
        throw std::runtime_error("wait4 failed");
    }
    finished.duration = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begin_);
    finished_ = finished;
}

Finished Process::wait() {
    while (!(finished_ && out_.ended() && err_.ended())) {
        const int left = milliseconds_left(begin_, timeout_);
        if (left == 0) {
            throw std::runtime_error(finished_
                                         ? "the command ended, but its output is still held"
                                         : "the command did not end in time; stderr so far: '" +
                                               err_.text() + "'");
        }
        std::array<pollfd, 3> waits = {pollfd{finished_ ? -1 : pidfd_.get(), POLLIN, 0},
                                       pollfd{out_.ended() ? -1 : out_.fd(), POLLIN, 0},
                                       pollfd{err_.ended() ? -1 : err_.fd(), POLLIN, 0}};
        poll(waits.data(), waits.size(), left);
        out_.take();
        err_.take();
        if (waits[0].revents != 0) reap(0);
    }
    finished_->out = out_.text();
    finished_->err = err_.text();
    return *finished_;
}

Finished Process::wait_exit_only() {
    reap(milliseconds_left(begin_, timeout_));
    out_.take();
    err_.take();
    finished_->out = out_.text();
    finished_->err = err_.text();
    return *finished_;
}

Finished run_command(const Strings& command, const CommandOptions& options) {
    return Process(command, options).wait();
}

void become_subreaper() {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int wait_for_child(pid_t pid, milliseconds timeout) {
    const UniqueFd pidfd = open_pidfd(pid);
    if (!pidfd.valid() || parent_of(pid) != getpid()) {
        throw std::runtime_error("process " + std::to_string(pid) + " is not our child, but of " +
                                 std::to_string(parent_of(pid)));
    }
    pollfd wait{pidfd.get(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(timeout.count())) != 1) {
        throw std::runtime_error("process " + std::to_string(pid) + " does not end");
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) throw std::runtime_error("waitpid failed");
    return status;
}

void wait_until_dead(pid_t pid, milliseconds timeout) {
    const UniqueFd pidfd = open_pidfd(pid);
    if (!pidfd.valid()) return;
    pollfd wait{pidfd.get(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(timeout.count())) != 1) {
        throw std::runtime_error("process " + std::to_string(pid) + " does not die");
    }
}

namespace {

// Field 3 (state) and on of /proc/PID/stat; empty if there is no such process.
std::string stat_fields(pid_t pid) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t end_of_name = text.rfind(')');
    return end_of_name == std::string::npos ? "" : text.substr(end_of_name + 2);
}

}  // namespace

bool is_alive(pid_t pid) {
    const std::string fields = stat_fields(pid);
    return !fields.empty() && fields[0] != 'Z' && fields[0] != 'X';
}

pid_t parent_of(pid_t pid) {
    const std::string fields = stat_fields(pid);
    return fields.size() < 3 ? -1 : static_cast<pid_t>(std::stol(fields.substr(2)));
}

std::string command_line_of(pid_t pid) {
    std::string text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    std::replace(text.begin(), text.end(), '\0', ' ');
    return text;
}

namespace {

// A tracer of ours does not see a process whose maker was killed before it could tell of it. Such a
// process stays our tracee, and its pid namespace does not end before we have reaped it.
void reap_tracees() {
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;) {
        if (WIFSTOPPED(status)) ptrace(PTRACE_DETACH, pid, nullptr, 0L);
    }
}

}  // namespace

std::vector<pid_t> living_children() {
    std::vector<pid_t> result;
    reap_tracees();
    const std::string self = std::to_string(getpid());
    for (const std::string& word : split(read_file("/proc/self/task/" + self + "/children"), ' ')) {
        const pid_t pid = static_cast<pid_t>(std::stol(word));
        if (waitpid(pid, nullptr, WNOHANG) == 0) result.push_back(pid);
    }
    return result;
}

std::vector<pid_t> wait_for_children(milliseconds timeout, const std::vector<pid_t>& except) {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        std::vector<pid_t> children = living_children();
        std::erase_if(children, [&](pid_t pid) {
            return std::find(except.begin(), except.end(), pid) != except.end();
        });
        const int left = milliseconds_left(begin, timeout);
        if (children.empty() || left == 0) return children;
        // For whichever ends first: a container's init does not end before its children that are
        // ours by now have been reaped.
        std::vector<UniqueFd> pidfds;
        std::vector<pollfd> waits;
        for (const pid_t pid : children) {
            pidfds.push_back(open_pidfd(pid));
            waits.push_back({pidfds.back().get(), POLLIN, 0});
        }
        // A tracee that ends says nothing here.
        poll(waits.data(), waits.size(), std::min(left, 100));
    }
}

void let_time_pass(std::chrono::microseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    const timespec time{seconds.count(), (duration - seconds).count() * 1000};
    ppoll(nullptr, 0, &time, nullptr);
}

}  // namespace lxcri::test
