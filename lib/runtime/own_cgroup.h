#pragma once

#include <sys/types.h>

#include <string>

#include "cgroup/layout.h"

namespace lxcri::runtime {

// Moves a process out of the container's cgroup: to `path` below the mount points, which is made
// where it does not exist and stays, or where that is "" to where this process is.
void move_monitor(const cgroup::Layout& layout, const std::string& path, pid_t pid);

}  // namespace lxcri::runtime
