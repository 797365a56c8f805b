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
// user.slice. SpecError("/linux/cgroupsPath") for what is not three parts or no unit name.
UnitName unit_name(std::string_view cgroups_path, std::string_view id, const UserManager& user);

// Below the mount point, without a slash at either end: where systemd puts the scope, and in it the
// one directory that is the container's, with this name. The scope itself stays systemd's: it sets
// what is in there anew when it is reloaded.
std::string unit_scope_path(const UnitName& name, const UserManager& user);
std::string unit_container_path(const UnitName& name, const UserManager& user,
                                std::string_view directory);

}  // namespace lxcri::cgroup
