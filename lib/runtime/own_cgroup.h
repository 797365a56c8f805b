#pragma once

#include <sys/types.h>

#include "cgroup/container_cgroup.h"
#include "cgroup/layout.h"

namespace lxcri::runtime {

// Where this process is.
cgroup::Record own_cgroup(const cgroup::Layout& layout);

// Moves a process out of the container's cgroup, to where this process is.
void move_to_own_cgroup(const cgroup::Layout& layout, pid_t pid);

}  // namespace lxcri::runtime
