#pragma once

#include <sys/types.h>

#include <string>

#include "cgroup/container_cgroup.h"
#include "cgroup/layout.h"

namespace lxcri::host {

// Where this process is.
cgroup::Record own_cgroup(const cgroup::Layout& layout);

// Moves a process out of the container's cgroup: to `path` below the mount points, which is made
// where it does not exist and stays, or where that is "" to where this process is.
void move_monitor(const cgroup::Layout& layout, const std::string& path, pid_t pid);

}  // namespace lxcri::host
