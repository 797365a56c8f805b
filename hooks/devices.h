#pragma once
// Device nodes and the links of /dev: runtime-spec config-linux.md "Devices", runtime-linux.md
// "Dev symbolic links".

#include <cstdint>

#include "handoff/plan.h"
#include "mounts.h"

namespace lxcri::hooks {

// By mknod, or, as the plan says, by binding those in `made`, or the host's that come from
// `sources`.
void make_device_nodes(int rootfs_fd, const handoff::HookPlan& plan, SourceReceiver& sources,
                       const os::UniqueFd& made);

// One of them, by mknod: a device that is there already is left as it is.
void make_node(int rootfs_fd, const handoff::DeviceNode& node);
// One of them, by binding `source`, a detached mount of it.
void bind_node(int rootfs_fd, const handoff::DeviceNode& node, const os::UniqueFd& source);

// The tmpfs with the nodes that the runtime has made, attached for as long as nodes are copied from
// it: a mount that is attached nowhere cannot be copied (open_tree(2), before Linux 6.15).
class MadeNodes {
  public:
    // On kScratchDirectory (mounts.h).
    explicit MadeNodes(int tmpfs);
    MadeNodes(const MadeNodes&) = delete;
    MadeNodes& operator=(const MadeNodes&) = delete;
    ~MadeNodes();

    os::UniqueFd take(std::uint32_t number) const;

  private:
    int tmpfs_;
};

void make_dev_links(int rootfs_fd);

// An empty file, where there is nothing yet: while /dev can be written to.
void make_console_file(int rootfs_fd);

}  // namespace lxcri::hooks
