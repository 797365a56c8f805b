#pragma once
// The processes of a cgroup tree, and waiting for their end.

#include <sys/types.h>

#include <optional>
#include <span>
#include <vector>

#include "cgroup/events.h"
#include "os/unique_fd.h"

namespace lxcri::cgroup {

struct ProcessHandle {
    pid_t pid = -1;
    os::UniqueFd pidfd;
};

// Handles for the first of the processes, those that have gone left out: at most `most`, fewer when
// descriptors run short.
std::vector<ProcessHandle> open_handles(std::span<const pid_t> pids, std::size_t most);

class ProcessWatch {
  public:
    // `dir_fd` is borrowed.
    explicit ProcessWatch(int dir_fd) : dir_fd_(dir_fd), events_(EventsFile::find(dir_fd)) {}

    // Looks: is there a process in the cgroup or below it? Remembers some of them.
    bool any();
    // Waits until those have ended, or the cgroup is empty. Returns false at the deadline.
    bool wait(Deadline deadline);

  private:
    int dir_fd_;
    std::optional<EventsFile> events_;
    std::vector<ProcessHandle> seen_;
};

}  // namespace lxcri::cgroup
