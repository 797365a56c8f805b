#pragma once
// Limits as properties of a systemd unit. The container's own directory is delegated, and systemd
// leaves it alone; its unit has the same limits, so that systemctl(1) tells the truth, and so that
// they hold for whatever else is put into the unit.

#include <map>
#include <string>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "handoff/unit.h"

namespace lxcri::cgroup {

// Version 2: the file names and what they say, of those that a unit has properties for.
using UnitLimits = std::map<std::string, std::string>;

// Nothing for version 1, where systemd has no directory with limits of its own above ours.
UnitLimits read_unit_limits(const ContainerCgroup& cgroup);

// The properties for what is other in `now` than in `before`.
std::vector<handoff::UnitProperty> changed_properties(const UnitLimits& before,
                                                      const UnitLimits& now);

}  // namespace lxcri::cgroup
