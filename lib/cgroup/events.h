#pragma once
// Waiting for what happens in a cgroup, without looking again and again.

#include <optional>

#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::cgroup {

using os::Deadline;

// cgroup.events of version 2: the kernel wakes processes that poll it when its content changes.
class EventsFile {
  public:
    struct State {
        bool populated = false;
        bool frozen = false;
    };

    // Returns nullopt if the directory has none (version 1), or has been removed.
    static std::optional<EventsFile> find(int dir_fd);

    // Neither, when the cgroup has been removed.
    State read() const;
    int fd() const noexcept { return fd_.get(); }

  private:
    explicit EventsFile(os::UniqueFd fd) : fd_(std::move(fd)) {}
    os::UniqueFd fd_;
};

// Waits until the content differs from what read() returned last. Returns false if the deadline
// passed first.
bool wait_change(const EventsFile& events, Deadline deadline);

// For changes in version 1 that the kernel does not announce (a freezer that is still FREEZING):
// sleeps a millisecond, at most until the deadline. Returns false if the deadline has passed.
bool wait_unannounced(Deadline deadline);

}  // namespace lxcri::cgroup
