// ContainerCgroup: signals to all processes, and their end.

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "cgroup/process_watch.h"
#include "cgroup/tree.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// So many processes get their signal between two looks at the list.
constexpr std::size_t kBatch = 200;
// After this time what has been killed and has not ended is killed again.
constexpr std::chrono::milliseconds kAgain{250};

void send(const ProcessHandle& target, int signal) {
    if (::syscall(SYS_pidfd_send_signal, target.pidfd.get(), signal, nullptr, 0) == 0) return;
    if (errno == ESRCH) return;
    throw SystemError(errno, concat("send signal ", std::to_string(signal), " to process"),
                      std::to_string(target.pid));
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
    return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

bool is_any_runnable(int dir_fd) {
    const auto pids = read_all_processes(dir_fd);
    return std::any_of(pids.begin(), pids.end(), os::has_runnable_thread);
}

// Stops the container while its processes get their signal, so that none is missed that is just
// being forked.
class FreezeForNow {
  public:
    FreezeForNow(int dir_fd, bool is_v2)
        : dir_fd_(dir_fd),
          is_v2_(is_v2),
          file_(is_v2 ? "cgroup.freeze" : "freezer.state"),
          thaw_(is_v2 ? "0" : "THAWED") {
        // If another command has paused it already, it stays paused.
        const auto before = find_file(dir_fd, file_);
        if (!before || !before->starts_with(thaw_)) return;
        active_ = os::try_write_value_at(dir_fd, file_, is_v2 ? "1" : "FROZEN") == 0;
    }
    FreezeForNow(const FreezeForNow&) = delete;
    FreezeForNow& operator=(const FreezeForNow&) = delete;
    ~FreezeForNow() {
        if (active_) (void)os::try_write_value_at(dir_fd_, file_, thaw_);  // gone is thawed
    }

    // Until all have stopped. One that cannot be stopped hangs in the kernel, where it does not
    // fork: after some time we go on without it. But not without one that only waits for its turn
    // on a CPU: on a busy machine that can take long, and in the middle of a fork it leaves a child
    // that no list shows yet.
    void wait(std::chrono::milliseconds patience, Deadline deadline) const {
        if (!active_) return;
        Deadline end = os::Clock::now();
        do {
            end = std::min(deadline, end + patience);
            if (is_v2_ ? wait_v2(end) : wait_v1(end)) return;
        } while (end < deadline && is_any_runnable(dir_fd_));
    }

  private:
    bool wait_v2(Deadline end) const {
        const auto events = EventsFile::find(dir_fd_);
        while (events && !events->read().frozen) {
            if (!wait_change(*events, end)) return false;
        }
        return true;
    }
    bool wait_v1(Deadline end) const {
        while (find_file(dir_fd_, file_).value_or("FROZEN").starts_with("FREEZING")) {
            if (!wait_unannounced(end)) return false;
        }
        return true;
    }

    int dir_fd_;
    bool is_v2_;
    const char* file_;
    const char* thaw_;
    bool active_ = false;
};

}  // namespace

void ContainerCgroup::signal_each(int dir_fd, int signal, os::Deadline deadline) const {
    std::set<pid_t> seen;
    while (true) {
        std::vector<pid_t> fresh;
        for (const pid_t pid : read_all_processes(dir_fd)) {
            if (!seen.contains(pid)) fresh.push_back(pid);
        }
        if (fresh.empty()) return;
        const auto targets = open_handles(fresh, kBatch);
        // A pid that is still listed after its pidfd was opened is the process of the pidfd.
        auto listed = read_all_processes(dir_fd);
        std::sort(listed.begin(), listed.end());
        for (const ProcessHandle& target : targets) {
            if (!std::binary_search(listed.begin(), listed.end(), target.pid)) continue;
            seen.insert(target.pid);
            send(target, signal);
        }
        if (os::Clock::now() >= deadline) {
            throw Error(concat("signal ", std::to_string(signal),
                               " could not be sent to all processes of the container in time"));
        }
    }
}

void ContainerCgroup::signal_all(int signal, os::Deadline deadline, bool freezes) const {
    const os::UniqueFd dir = open_members();
    if (!dir.valid()) return;
    if (signal == SIGKILL) {
        kill_once(dir.get(), deadline);
        return;
    }
    // A process that freezes itself cannot thaw itself.
    if (contains(read_all_processes(dir.get()), ::getpid())) {
        throw Error("a process in the container's cgroup cannot signal all its processes");
    }
    std::optional<FreezeForNow> frozen;
    if (freezes) {
        frozen.emplace(dir.get(), find_v2() != nullptr);
        frozen->wait(std::chrono::seconds(2), deadline);
    }
    signal_each(dir.get(), signal, deadline);
}

void ContainerCgroup::kill_once(int dir_fd, os::Deadline deadline) const {
    // Linux 5.14: kills all, also in cgroups below and those that are being forked.
    const int error = os::try_write_value_at(dir_fd, "cgroup.kill", "1");
    if (error == ENODEV) return;  // removed
    if (error != 0) {
        const FreezeForNow frozen(dir_fd, find_v2() != nullptr);
        frozen.wait(std::chrono::milliseconds(100), deadline);
        signal_each(dir_fd, SIGKILL, deadline);
    }
    let_killed_die();
}

bool ContainerCgroup::kill_all_and_wait(os::Deadline deadline) const {
    const os::UniqueFd dir = open_members();
    if (!dir.valid()) return true;
    ProcessWatch watch(dir.get());
    while (watch.any()) {
        kill_once(dir.get(), deadline);
        // A process in there may just have been freezing others.
        const bool ended = watch.wait(std::min(deadline, os::Clock::now() + kAgain));
        if (!ended && os::Clock::now() >= deadline) return !watch.any();
    }
    return true;
}

bool ContainerCgroup::wait_empty(os::Deadline deadline) const {
    const os::UniqueFd dir = open_members();
    if (!dir.valid()) return true;
    ProcessWatch watch(dir.get());
    while (watch.any()) {
        if (!watch.wait(deadline)) return !watch.any();
    }
    return true;
}

}  // namespace lxcri::cgroup
