#pragma once
// runtime-spec config-linux.md "Sysctl".

#include <vector>

#include "handoff/plan.h"

namespace lxcri::hooks {

// Writes them through a procfs of our own, which no image and no mount of the bundle can forge.
// The kernel makes none if the pid namespace belongs to another user namespace: then through the
// container's.
void write_sysctls(int rootfs_fd, const std::vector<handoff::Sysctl>& sysctls);

}  // namespace lxcri::hooks
