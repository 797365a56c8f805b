#pragma once
// The container's unit, where systemd manages cgroups: a transient scope.

#include <functional>
#include <string>

#include "cgroup/container_cgroup.h"
#include "helpers/systemd_helper.h"
#include "runtime/record.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

// The description of the container's unit; no two containers have the same.
std::string unit_description(const Record& record);

// A scope with the process in it.
void start_unit(helpers::SystemdHelper& helper, const Record& record,
                const translate::UnitPlan& plan, pid_t pid);

// Moves a process of ours into the container's cgroup, where cgroups(7) does not let us do it: from
// outside of what is delegated to the user.
// `cgroup`: the container's or one below, where cgroup::ContainerCgroup::path_for_process says.
void attach_to_unit(const settings::Options& options, const Record& record,
                    const std::string& cgroup, pid_t pid);

// Stops the unit, unless it belongs to another container now. It has no process any more.
void stop_unit(helpers::SystemdHelper& helper, const Record& record);
void stop_unit(const settings::Options& options, const Record& record);

// Runs `apply`, which changes limits of the container's cgroup, and then sets the changed limits on
// its unit, if it has one.
void update_with_unit(helpers::SystemdHelper& helper, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply);
void update_with_unit(const settings::Options& options, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply);

}  // namespace lxcri::runtime
