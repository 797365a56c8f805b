#pragma once
// Bind mounts with ID mappings: mount_setattr(2), MOUNT_ATTR_IDMAP. Only root of the host can make
// them.

#include "handoff/plan.h"
#include "os/unique_fd.h"

namespace lxcri::attached {

// The mount has to be attached nowhere yet.
void map_ids(int mount_fd, const handoff::MountAction& mount);

// A copy of the source with the mappings, attached nowhere yet. What is mounted in the copy is not
// mounted in the source.
os::UniqueFd clone_mapped_mount(const handoff::MountAction& mount);

}  // namespace lxcri::attached
