#pragma once
// Bind mounts: copies of what is mounted on the host, with ID mappings and attributes.

#include "handoff/plan.h"
#include "os/unique_fd.h"

namespace lxcri::attached {

// mount_setattr(2), MOUNT_ATTR_IDMAP. The mount must be attached nowhere yet. Takes root of the
// host.
void map_ids(int mount_fd, const handoff::MountAction& mount);

// A copy of the source, attached nowhere yet, with all that the mount asks for: ID mappings and
// attributes. What is mounted in the copy is not mounted in the source.
os::UniqueFd clone_bind(const handoff::MountAction& mount);

// The attributes of the mount alone; `mount_fd` is one that this process may change.
void apply_attributes(int mount_fd, const handoff::MountAction& mount);

}  // namespace lxcri::attached
