#include "os/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/strings.h"
#include "os/check.h"
#include "os/clone.h"
#include "os/directory.h"
#include "os/file.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace lxcri::os {

namespace {

UniqueFd try_open_pidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

UniqueFd open_pidfd(pid_t pid) {
    UniqueFd pidfd = try_open_pidfd(pid);
    check(pidfd.get(), "pidfd_open", std::to_string(pid));
    return pidfd;
}

// Returns false if the deadline passed first.
bool wait_readable(int fd, Deadline deadline) {
    pollfd wanted{fd, POLLIN, 0};
    while (true) {
        const int ready = ::poll(&wanted, 1, poll_timeout(deadline));
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) throw SystemError(errno, "poll");
    }
}

}  // namespace

int poll_timeout(Deadline deadline) {
    if (deadline == kNoDeadline) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return 0;
    constexpr long kLongest = 24L * 3600 * 1000;
    return static_cast<int>(left > kLongest ? kLongest : left);
}

ProcessStat parse_process_stat(std::string_view text) {
    // "PID (COMM) STATE PPID ...": COMM may contain anything, blanks and parentheses too.
    const auto end = text.rfind(") ");
    if (end == std::string_view::npos) throw Error("/proc/PID/stat has an unknown format");
    constexpr std::size_t kState = 0;       // field 3
    constexpr std::size_t kParent = 1;      // field 4
    constexpr std::size_t kStartTime = 19;  // field 22
    std::array<std::string_view, kStartTime + 1> fields;
    std::string_view rest = text.substr(end + 2);
    for (auto& field : fields) {
        if (rest.empty()) throw Error("/proc/PID/stat is too short");
        field = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    }
    const auto parent = parse_integer<pid_t>(fields[kParent]);
    const auto start = parse_integer<std::uint64_t>(fields[kStartTime]);
    if (fields[kState].size() != 1 || !parent || !start) {
        throw Error("/proc/PID/stat has an unknown format");
    }
    return {fields[kState][0], *parent, *start};
}

std::optional<std::string_view> find_status_value(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
        line.remove_prefix(name.size() + 1);
        return line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    }
    return {};
}

std::optional<ProcessStat> find_process_stat(pid_t pid) {
    try {
        const auto text = find_value_at(AT_FDCWD, concat("/proc/", std::to_string(pid), "/stat"));
        if (!text) return {};
        return parse_process_stat(*text);
    } catch (const SystemError& error) {
        if (error.code() == ESRCH) return {};  // it went between open and read
        if (error.code() == EPERM) return {};  // hidepid=1: proc(5)
        throw;
    }
}

bool is_alive(pid_t pid, std::uint64_t start_time) {
    const auto stat = pid > 0 ? find_process_stat(pid) : std::nullopt;
    if (!stat || stat->start_time != start_time) return false;
    // The state is that of the first thread: others may go on without it.
    const bool has_ended = stat->state == 'Z' || stat->state == 'X';
    return !has_ended || ProcessRef::find(pid, start_time).has_value();
}

std::string ExitStatus::describe() const {
    if (!signalled_) return concat("exited with status ", std::to_string(value_));
    const char* name = sigabbrev_np(value_);
    return concat("was killed by signal ", std::to_string(value_), name == nullptr ? "" : " (SIG",
                  name == nullptr ? "" : name, name == nullptr ? "" : ")");
}

std::optional<pid_t> find_pid(int pidfd) {
    constexpr std::string_view kField = "Pid:\t";
    const std::string path = concat("/proc/self/fdinfo/", std::to_string(pidfd));
    for (const std::string& line : split(read_file_at(AT_FDCWD, path), '\n')) {
        if (!line.starts_with(kField)) continue;
        const auto pid = parse_integer<pid_t>(std::string_view(line).substr(kField.size()));
        if (pid && *pid > 0) return *pid;  // -1: it has ended; 0: it is in another pid namespace
    }
    return {};
}

ProcessRef ProcessRef::open(pid_t pid) {
    UniqueFd pidfd = open_pidfd(pid);
    const auto stat = find_process_stat(pid);
    if (stat) return {pid, stat->start_time, std::move(pidfd)};
    // Where /proc has hidepid it need not show us a process that lives.
    if (wait_readable(pidfd.get(), Clock::now())) {
        throw SystemError(ESRCH, "pidfd_open", std::to_string(pid));
    }
    return {pid, 0, std::move(pidfd)};
}

std::optional<ProcessRef> ProcessRef::find(pid_t pid, std::uint64_t start_time) {
    if (pid <= 0) return {};
    UniqueFd pidfd = try_open_pidfd(pid);
    // EINVAL: Linux before 6.9 says so of a process that has been reaped while its number lives on
    // as that of a process group or a session.
    if (!pidfd.valid() && (errno == ESRCH || errno == EINVAL)) return {};
    check(pidfd.get(), "pidfd_open", std::to_string(pid));
    // The pidfd first, the start time second: both are of the same process when they match.
    const auto stat = find_process_stat(pid);
    if (!stat || stat->start_time != start_time) return {};
    // Not the state in there, which is that of the first thread: others may go on without it.
    ProcessRef process(pid, start_time, std::move(pidfd));
    if (process.wait_exit(Clock::now())) return {};
    return process;
}

namespace {

// As kill(2), to the process that the pidfd is of.
int send_signal(const UniqueFd& pidfd, pid_t pid, int number) {
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0) return 0;
    if (errno != ENOSYS && errno != EPERM) return -1;
    // Perhaps a filter around us refuses it. As long as the process lives the pid is its own.
    if (!wait_readable(pidfd.get(), Clock::now())) return ::kill(pid, number);
    errno = ESRCH;
    return -1;
}

}  // namespace

bool ProcessRef::signal(int number) const {
    if (send_signal(pidfd_, pid_, number) == 0) return true;
    if (errno == ESRCH) return false;
    throw SystemError(errno, concat("send signal ", std::to_string(number), " to process"),
                      std::to_string(pid_));
}

UniqueFd ProcessRef::take_descriptor(int fd) const {
    const long copy = ::syscall(SYS_pidfd_getfd, pidfd_.get(), fd, 0);
    return UniqueFd(static_cast<int>(check(copy, "pidfd_getfd", std::to_string(pid_))));
}

bool ProcessRef::wait_exit(Deadline deadline) const {
    return wait_readable(pidfd_.get(), deadline);
}

namespace {

bool has_ended(const ProcessStat& stat) {
    return stat.state == 'Z' || stat.state == 'X';
}

// PIDFD_THREAD
UniqueFd open_thread_pidfd(pid_t tid) {
    const long fd = ::syscall(SYS_pidfd_open, tid, O_EXCL);
    if (fd == -1 && errno == EINVAL) {
        throw Error(
            "its first thread has ended, and to join the namespaces of another one takes Linux "
            "6.9");
    }
    return UniqueFd(static_cast<int>(check(fd, "pidfd_open", std::to_string(tid))));
}

}  // namespace

std::vector<pid_t> thread_ids(pid_t pid) {
    std::vector<pid_t> tids;
    const std::string path = concat("/proc/", std::to_string(pid), "/task");
    const UniqueFd tasks(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!tasks.valid()) {
        if (errno == ENOENT || errno == EPERM) return tids;  // it has gone, or is hidden: proc(5)
        throw SystemError(errno, "open", path);
    }
    for (const auto& name : entry_names(tasks.get())) {
        if (const auto tid = parse_integer<pid_t>(name)) tids.push_back(*tid);
    }
    return tids;
}

bool has_runnable_thread(pid_t pid) {
    const auto tids = thread_ids(pid);
    return std::any_of(tids.begin(), tids.end(), [](pid_t tid) {
        const auto stat = find_process_stat(tid);
        return stat && stat->state == 'R';
    });
}

std::optional<LivingThread> ProcessRef::find_living_thread() const {
    const auto first = find_process_stat(pid_);
    if (!first || !has_ended(*first)) return LivingThread{pid_, duplicate(pidfd_.get())};
    for (const pid_t tid : thread_ids(pid_)) {
        const auto stat = find_process_stat(tid);
        if (!stat || has_ended(*stat)) continue;
        LivingThread thread{tid, open_thread_pidfd(tid)};
        // Still a thread of the process: so its number had not been reused when it was opened.
        const auto now = thread_ids(pid_);
        if (std::find(now.begin(), now.end(), tid) != now.end()) return thread;
    }
    return {};
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    if (this != &other) {
        kill_and_reap();
        pid_ = std::exchange(other.pid_, -1);
        pidfd_ = std::move(other.pidfd_);
    }
    return *this;
}

std::optional<ExitStatus> ChildProcess::wait(Deadline deadline) {
    if (deadline != kNoDeadline && !wait_readable(pidfd_.get(), deadline)) return {};
    const pid_t pid = std::exchange(pid_, -1);
    return reap(pid);
}

bool ChildProcess::signal(int number) const {
    return running() && send_signal(pidfd_, pid_, number) == 0;
}

bool ChildProcess::kill_and_reap(Deadline deadline) noexcept {
    const pid_t pid = std::exchange(pid_, -1);
    if (pid <= 0) return true;
    ::kill(pid, SIGKILL);  // a child that is not reaped keeps its pid: this cannot hit another
    pollfd ended{pidfd_.get(), POLLIN, 0};
    const int ready = retry([&] { return ::poll(&ended, 1, poll_timeout(deadline)); });
    if (ready == 0) return false;
    siginfo_t info{};
    (void)retry([&] { return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED); });
    return true;
}

void end_with_parent(pid_t parent) noexcept {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const pid_t now = ::getppid();
    // 0: it is not in our pid namespace, which cannot tell.
    if (now != parent && now != 0) ::_exit(EXIT_FAILURE);
}

std::optional<ChildProcess> fork_child() {
    Cloned child = clone_child();
    if (child.pid == 0) return {};
    return ChildProcess(child.pid, std::move(child.pidfd));
}

ExitStatus reap(pid_t pid) {
    siginfo_t info{};
    check(retry([&] { return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED); }), "waitid",
          std::to_string(pid));
    if (info.si_code == CLD_EXITED) return ExitStatus::exited(info.si_status);
    return ExitStatus::signalled(info.si_status);
}

namespace {

// Empty if /proc is not of our pid namespace and has other numbers: so in a mount hook,
// where the end of create takes all.
std::vector<pid_t> own_children() {
    std::vector<pid_t> pids;
    std::array<char, 16> self{};
    const ssize_t length = ::readlink("/proc/self", self.data(), self.size());
    const std::string_view name(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (parse_integer<pid_t>(name) != ::getpid()) return pids;
    const auto text = find_file_at(AT_FDCWD, "/proc/thread-self/children");
    for (const auto& word : split(text.value_or(""), ' ')) {
        if (const auto pid = parse_integer<pid_t>(word)) pids.push_back(*pid);
    }
    return pids;
}

}  // namespace

void kill_with_descendants(ChildProcess& child, Deadline deadline, OtherChildren others) {
    const auto before = others == OtherChildren::spare ? own_children() : std::vector<pid_t>();
    int was_subreaper = 0;
    check(::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper), "prctl PR_GET_CHILD_SUBREAPER");
    check(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl PR_SET_CHILD_SUBREAPER");
    (void)child.kill_and_reap(deadline);
    for (bool found = true; found;) {
        found = false;
        for (const pid_t pid : own_children()) {
            if (std::find(before.begin(), before.end(), pid) != before.end()) continue;
            // No other process gets its number before we have reaped it.
            ChildProcess orphan(pid, open_pidfd(pid));
            (void)orphan.signal(SIGKILL);
            found = orphan.wait(deadline).has_value();
            if (!found) orphan.release();
        }
    }
    check(::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper), "prctl PR_SET_CHILD_SUBREAPER");
}

void reset_signals() noexcept {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    // SIGKILL and SIGSTOP refuse, as do the two that the C library keeps for itself: no loss.
    for (int number = 1; number <= SIGRTMAX; ++number) (void)::sigaction(number, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void begin_session_keyring() {
    if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0) != -1) return;
    if (errno != ENOSYS && errno != EPERM) throw SystemError(errno, "keyctl JOIN_SESSION_KEYRING");
}

int close_others(std::span<int> kept) noexcept {
    std::sort(kept.begin(), kept.end());
    unsigned begin = 3;
    for (const int fd : kept) {
        const auto next = static_cast<unsigned>(fd);
        if (next < begin) continue;
        if (next > begin && ::syscall(SYS_close_range, begin, next - 1, 0) != 0) return errno;
        begin = next + 1;
    }
    return ::syscall(SYS_close_range, begin, ~0U, 0) == 0 ? 0 : errno;
}

int end_like(const ExitStatus& status) {
    if (!status.is_signal()) return status.value();
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    reset_signals();
    (void)::raise(status.value());
    return status.to_shell_code();
}

void close_on_exec_from(int first) {
    if (::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    // Older kernels, and sandboxes that do not know close_range: one by one.
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc/self/fd"), ::closedir);
    if (!dir) throw SystemError(errno, "open", "/proc/self/fd");
    while (const dirent* entry = ::readdir(dir.get())) {
        const auto fd = parse_integer<int>(std::string_view(entry->d_name));
        if (fd && *fd >= first) (void)::fcntl(*fd, F_SETFD, FD_CLOEXEC);
    }
}

}  // namespace lxcri::os
