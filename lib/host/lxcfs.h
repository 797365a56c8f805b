#pragma once
// lxcfs: files of /proc that show the container's limits, not the machine.

#include <string>

#include "oci/spec.h"

namespace lxcri::host {

inline constexpr const char* kLxcfs = "/var/lib/lxcfs";
bool runs_lxcfs();  // there

// Adds the mounts of what lxcfs offers at `mount_point` (/var/lib/lxcfs) for the /proc that the
// bundle mounts, unless the bundle has something there itself. Throws Error if lxcfs is not mounted
// there: a container that was to have it must not do without.
void add_lxcfs(const std::string& mount_point, oci::Spec& spec);

}  // namespace lxcri::host
