#pragma once
// Device nodes and the links of /dev: runtime-spec config-linux.md "Devices", runtime-linux.md
// "Dev symbolic links".

#include "handoff/plan.h"
#include "mounts.h"

namespace lxcri::hooks {

// By mknod, or, as the plan says, by binding those in `made`, or the host's that come from
// `sources`.
void make_device_nodes(int rootfs_fd, const handoff::HookPlan& plan, SourceReceiver& sources,
                       const os::UniqueFd& made);

void make_dev_links(int rootfs_fd);

// An empty file, where there is nothing yet: while /dev can be written to.
void make_console_file(int rootfs_fd);

}  // namespace lxcri::hooks
