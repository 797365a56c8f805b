#pragma once
// Waits until the kernel has killed a process of a cgroup that is out of memory, without polling.

#include <cstdint>
#include <optional>

#include "cgroup/container_cgroup.h"
#include "os/unique_fd.h"

namespace lxcri::cgroup {

class OomWatch {
  public:
    // Nothing to hear where the cgroup has no memory controller: fd() is -1 then.
    explicit OomWatch(const ContainerCgroup& cgroup);

    int fd() const noexcept { return fd_.get(); }
    short events() const noexcept;  // for poll(2)

    // After fd() was ready, or at the end: has memory run out since the last call?
    bool take();

  private:
    // Version 1: an eventfd(2) that memory.oom_control notifies. Version 2: memory.events.
    bool is_v1_ = false;
    os::UniqueFd fd_;
    std::uint64_t seen_ = 0;  // version 2: kills at the last look
};

}  // namespace lxcri::cgroup
