#include "cgroup/process_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

std::vector<ProcessHandle> open_handles(std::span<const pid_t> pids, std::size_t most) {
    std::vector<ProcessHandle> handles;
    if (pids.empty()) return handles;
    // Descriptors that looking at the cgroup again needs, kept free while the handles are opened.
    std::array<os::UniqueFd, 4> spare;
    for (os::UniqueFd& fd : spare) fd = os::open_at(AT_FDCWD, "/", O_PATH);
    for (const pid_t pid : pids) {
        if (handles.size() == most) break;
        os::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (pidfd.valid()) {
            handles.push_back({pid, std::move(pidfd)});
        } else if (errno == EMFILE && !handles.empty()) {
            break;
        } else if (errno != ESRCH && errno != EINVAL) {
            throw SystemError(errno, "pidfd_open", std::to_string(pid));
        }
    }
    return handles;
}

bool ProcessWatch::any() {
    seen_.clear();
    if (events_ && !events_->read().populated) return false;
    const auto pids = read_all_processes(dir_fd_);
    // Few: the descriptors are needed for killing, and cgroup.events tells the end of many.
    constexpr std::size_t kMost = 8;
    seen_ = open_handles(pids, kMost);
    return events_ || !pids.empty();
}

bool ProcessWatch::wait(Deadline deadline) {
    // Pidfds tell the end of the last process at once, cgroup.events maybe 10 ms later: the kernel
    // limits how often it notifies. But only cgroup.events knows of all.
    if (seen_.empty() && !events_) return wait_unannounced(deadline);
    std::vector<pollfd> wanted;
    for (const ProcessHandle& handle : seen_) wanted.push_back({handle.pidfd.get(), POLLIN, 0});
    const std::size_t processes = wanted.size();
    if (events_) wanted.push_back({events_->fd(), POLLPRI, 0});
    std::size_t left = processes;
    while (true) {
        const int ready = os::retry(
            [&] { return ::poll(wanted.data(), wanted.size(), os::poll_timeout(deadline)); });
        if (os::check(ready, "poll", "cgroup.events") == 0) return false;
        if (events_ && wanted.back().revents != 0) return true;
        for (std::size_t i = 0; i < processes; ++i) {
            if (wanted[i].fd < 0 || wanted[i].revents == 0) continue;
            wanted[i].fd = -1;  // poll(2) passes over it
            --left;
        }
        if (left == 0) return true;
    }
}

}  // namespace lxcri::cgroup
