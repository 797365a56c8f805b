#include "os/file_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

namespace {

std::vector<int>& held_locks() {
    static std::vector<int> fds;
    return fds;
}

timeval to_timeval(std::chrono::microseconds duration) {
    constexpr long kMillion = 1'000'000;
    return {duration.count() / kMillion, duration.count() % kMillion};
}

// Interrupts system calls with SIGALRM, which our caller may have blocked or ignored: once at the
// deadline, then again and again, for the first signal may come just before the call.
class Interruption {
  public:
    explicit Interruption(Deadline deadline) {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        ::sigaction(SIGALRM, &action, &old_action_);
        sigset_t alarm;
        sigemptyset(&alarm);
        sigaddset(&alarm, SIGALRM);
        ::sigprocmask(SIG_UNBLOCK, &alarm, &old_mask_);
        using std::chrono::microseconds;
        const auto left = std::chrono::ceil<microseconds>(deadline - Clock::now());
        const itimerval timer{to_timeval(microseconds(50'000)),
                              to_timeval(std::max(left, microseconds(1)))};
        ::setitimer(ITIMER_REAL, &timer, &old_timer_);
    }
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;
    ~Interruption() {
        ::setitimer(ITIMER_REAL, &old_timer_, nullptr);
        ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
        ::sigaction(SIGALRM, &old_action_, nullptr);
    }

  private:
    struct sigaction old_action_ {};
    sigset_t old_mask_{};
    itimerval old_timer_{};
};

// Returns false if the deadline passed first.
bool lock_until(int fd, Deadline deadline) {
    const Interruption interruption(deadline);
    while (::flock(fd, LOCK_EX) == -1) {
        if (errno != EINTR) throw SystemError(errno, "flock");
        if (Clock::now() >= deadline) return false;
    }
    return true;
}

}  // namespace

std::optional<FileLock> FileLock::take(int dir_fd, Deadline deadline) {
    return take_on(open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY), deadline);
}

std::optional<FileLock> FileLock::take_file(int dir_fd, const std::string& name,
                                            Deadline deadline) {
    // Whatever has taken the place of the file, this does not wait.
    return take_on(open_at(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), deadline);
}

std::optional<FileLock> FileLock::take_on(UniqueFd fd, Deadline deadline) {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == -1) {
        if (errno != EWOULDBLOCK) throw SystemError(errno, "flock");
        if (!lock_until(fd.get(), deadline)) return {};
    }
    return FileLock(std::move(fd));
}

FileLock::FileLock(UniqueFd fd) : fd_(std::move(fd)) {
    held_locks().push_back(fd_.get());
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileLock::~FileLock() {
    if (fd_.valid()) std::erase(held_locks(), fd_.get());
}

std::vector<pid_t> find_lock_holders(int dir_fd) {
    struct stat status {};
    check(::fstat(dir_fd, &status), "fstat");
    std::array<char, 64> place{};
    (void)std::snprintf(place.data(), place.size(), "%02x:%02x:%lu", ::major(status.st_dev),
                        ::minor(status.st_dev), static_cast<unsigned long>(status.st_ino));
    std::vector<pid_t> holders;
    // "1: FLOCK  ADVISORY  WRITE 4711 00:1a:42 0 EOF"; who waits has "->" behind the number.
    for (const std::string& line : split(read_file_at(AT_FDCWD, "/proc/locks"), '\n')) {
        auto words = split(line, ' ');
        std::erase(words, "");
        constexpr std::size_t kKind = 1;
        constexpr std::size_t kPid = 4;
        constexpr std::size_t kPlace = 5;
        if (words.size() <= kPlace || words[kKind] != "FLOCK" || words[kPlace] != place.data()) {
            continue;
        }
        if (const auto pid = parse_integer<pid_t>(words[kPid]); pid && *pid > 0) {
            holders.push_back(*pid);
        }
    }
    return holders;
}

void close_locks_of_parent() noexcept {
    for (const int fd : held_locks()) ::close(fd);
    held_locks().clear();
}

}  // namespace lxcri::os
