#pragma once
// The container's unit, where systemd manages cgroups: a transient scope. systemd is asked through
// lxcri-systemd, the only program that knows D-Bus; it is started when there is something to ask.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "cgroup/unit_path.h"
#include "handoff/unit.h"
#include "oci/spec.h"
#include "os/process.h"
#include "os/unique_fd.h"
#include "runtime/options.h"
#include "runtime/record.h"

namespace lxcri::runtime {

// One conversation with lxcri-systemd.
class SystemdHelper {
  public:
    explicit SystemdHelper(const Options& options);

    // Error with the words of systemd when it refuses; the pointer of the property in front when
    // it was one.
    void ask(handoff::UnitRequest request);

  private:
    os::UniqueFd channel_;
    os::ChildProcess process_;
    std::chrono::seconds timeout_;
};

// Whose systemd this process has to ask: for root of the machine the system's.
cgroup::UserManager find_user_manager();

// Those annotations that are harmless, and those that an administrator allows. SpecError for
// another one: a unit's properties can start programs as root (CVE-2024-3154).
std::vector<handoff::UnitProperty> allowed_unit_properties(const Options& options,
                                                           const oci::Spec& spec);

// The description of the container's unit; no two containers have the same.
std::string unit_description(const Record& record);

// A scope with the process in it.
void start_unit(SystemdHelper& helper, const Record& record, const cgroup::UnitName& name,
                pid_t pid, std::vector<handoff::UnitProperty> properties);

// Moves a process of ours into the container's cgroup, where cgroups(7) does not let us do it: from
// outside of what is delegated to the user.
void attach_to_unit(const Options& options, const Record& record, pid_t pid);

// Stops the unit unless it is another container's by now. It has no process any more.
void stop_unit(SystemdHelper& helper, const Record& record);
void stop_unit(const Options& options, const Record& record);

// Runs `apply`, which changes limits of the container's cgroup, and then gives its unit, when it
// has one, the limits that are other than before.
void update_with_unit(SystemdHelper& helper, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply);
void update_with_unit(const Options& options, const Record& record,
                      const cgroup::ContainerCgroup& cgroup, const std::function<void()>& apply);

}  // namespace lxcri::runtime
