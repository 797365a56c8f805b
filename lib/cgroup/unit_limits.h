#pragma once
// Limits as properties of a systemd unit. The container's own directory is delegated, and systemd
// leaves it alone. The unit has the same limits, so that systemctl(1) shows them, and so that they
// hold for other processes in the unit too.

#include <map>
#include <string>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "handoff/unit.h"

namespace lxcri::cgroup {

// Version 2: names and contents of the files that have a property of the unit.
using UnitLimits = std::map<std::string, std::string>;

// Empty for version 1: systemd has no directory with limits above ours there.
UnitLimits read_unit_limits(const ContainerCgroup& cgroup);

// The properties for the files that differ between `before` and `now`.
std::vector<handoff::UnitProperty> changed_properties(const UnitLimits& before,
                                                      const UnitLimits& now);

}  // namespace lxcri::cgroup
