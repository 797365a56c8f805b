#pragma once
// The mounts of config.json, in their order.

#include <deque>
#include <vector>

#include "handoff/plan.h"
#include "os/unique_fd.h"

namespace lxcri::hooks {

// The detached mounts that `create` makes in the runtime namespaces, one for each bind, in order.
// They arrive a few at a time, so that a thousand mounts need no thousand descriptors.
class SourceReceiver {
  public:
    explicit SourceReceiver(int channel) : channel_(channel) {}
    os::UniqueFd next();

  private:
    int channel_;
    std::deque<os::UniqueFd> waiting_;
};

// A tmpfs that shall be read-only has to take mount points and devices first.
class DelayedReadonly {
  public:
    void add(os::UniqueFd mount, std::string pointer);
    void apply();

  private:
    struct Entry {
        os::UniqueFd mount;
        std::string pointer;
    };
    std::vector<Entry> entries_;
};

void make_mount(int rootfs_fd, const handoff::MountAction& action, SourceReceiver& sources,
                DelayedReadonly& delayed);

// A procfs on /proc for the way to lxcri-init; init takes it away again.
void mount_temporary_proc(int rootfs_fd);

}  // namespace lxcri::hooks
