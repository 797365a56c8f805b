#pragma once
// The cgroups of a caller, for a process that works in them.

#include <vector>

#include "agent/caller.h"

namespace lxcri::agent {

enum class Hierarchies {
    of_devices,  // those that decide about devices
    all,
};

// Their files cgroup.procs: a process joins by writing to them (join_cgroups()). Error if one is
// out of sight where the caller is in another cgroup than this process.
std::vector<os::UniqueFd> open_cgroups(const Caller& caller, Hierarchies hierarchies);

}  // namespace lxcri::agent
