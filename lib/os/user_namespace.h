#pragma once
// A user namespace that exists only for its mappings: mount_setattr(2), "ID-mapped mounts".

#include <string>

#include "os/unique_fd.h"

namespace lxcri::os {

// `uid_map`, `gid_map`: as in /proc/PID/uid_map (user_namespaces(7)), written by us, who have the
// privilege for any map. Nobody is in the namespace.
UniqueFd make_user_namespace(const std::string& uid_map, const std::string& gid_map);

}  // namespace lxcri::os
