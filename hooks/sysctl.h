#pragma once
// runtime-spec config-linux.md "Sysctl".

#include <vector>

#include "handoff/plan.h"

namespace lxcri::hooks {

// Written through a procfs of our own, which no image and no mount of the bundle can have forged.
// The kernel makes none where the pid namespace belongs to another user namespace: then through
// the container's.
void write_sysctls(int rootfs_fd, const std::vector<handoff::Sysctl>& sysctls);

}  // namespace lxcri::hooks
