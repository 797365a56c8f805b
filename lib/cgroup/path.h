#pragma once
// Where below a hierarchy's mount point the container's cgroup is: /linux/cgroupsPath.

#include <string>
#include <string_view>

namespace lxcri::cgroup {

// The path below the mount point, without a slash at either end: "docker/4711".
// Absolute and relative paths both start at the mount point, the same place every time; an empty
// one means "lxcri-ID". SpecError("/linux/cgroupsPath") for "..", for the root itself, for control
// characters and for a component that is longer than a file name may be.
std::string container_path(std::string_view cgroups_path, std::string_view id);

}  // namespace lxcri::cgroup
