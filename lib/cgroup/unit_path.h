#pragma once
// /linux/cgroupsPath where systemd manages cgroups: "SLICE:PREFIX:NAME".

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace lxcri::cgroup {

struct UnitName {
    std::string slice;  // "system.slice"
    std::string scope;  // "PREFIX-NAME.scope"
};

// Whose systemd: the system's, or that of a user.
using UserManager = std::optional<uid_t>;

// An empty path means "lxcri-ID.scope"; an empty slice means system.slice, with a user's manager
// user.slice. Throws SpecError("/linux/cgroupsPath") if it has not three parts, or is no unit name.
UnitName unit_name(std::string_view cgroups_path, std::string_view id, const UserManager& user);

// Paths below the mount point, without a slash at either end: that of the scope, and that of the
// container's directory in it, with this name. The scope itself stays systemd's, which writes to
// its files at each reload.
std::string unit_scope_path(const UnitName& name, const UserManager& user);
std::string unit_container_path(const UnitName& name, const UserManager& user,
                                std::string_view directory);

}  // namespace lxcri::cgroup
