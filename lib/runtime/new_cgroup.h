#pragma once
// The cgroup that `create` makes for a container: foreseen, made, entered, limited, and removed
// when `create` fails. lib/cgroup does each step; here is when.

#include <optional>

#include "cgroup/container_cgroup.h"
#include "runtime/clean_up.h"
#include "runtime/record.h"
#include "runtime/systemd_unit.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

class NewCgroup {
  public:
    // Borrowed for its life: everything. What the cgroup is going to be goes into the record at
    // once: a `delete` that finds only this knows where to look. `directory_fd`: of the record.
    NewCgroup(const settings::Options& options, const translate::Plan& plan, Record& record,
              int directory_fd);

    void make();
    // systemd makes a scope around a process that exists, which goes on into the directory below
    // that is ours.
    void make_with_unit(pid_t pid);

    // For lxcri-start.
    cgroup::Entrance entrance() const;
    // For an init that enters its memory cgroup by itself; else invalid.
    os::UniqueFd open_memory_entrance() const;

    // Controllers and device rules: before a process of the container is in it.
    void apply_early();
    // The limits. Hooks find them in force, and may change them; but those that are too low for
    // lxcri-start have to wait until it has gone.
    void apply_limits_that_leave_room();
    void apply_limits();  // if they are not yet
    // Moves init to the cgroup below, which the container manages: run.oci.delegate-cgroup. All
    // limits stay above.
    void delegate(pid_t init) const;
    // init is in its own, and lxcri-start has ended.
    void leave_setup();

    bool has_killed_for_memory() const { return cgroup_->oom_kills() > 0; }

    // Whatever has been made of it, with all that are in it. Is nothing left? The unit goes last.
    bool remove(os::Deadline deadline, CleanUp& clean_up);
    void stop_unit();

  private:
    const translate::CgroupPlan& plan() const { return plan_.host.cgroup; }
    bool enters_late() const { return plan_.init.enters_cgroup; }
    std::string setup_path() const { return plan().path + "-setup"; }
    void give_away(const cgroup::ContainerCgroup& cgroup) const;
    void check_unit_path(pid_t pid) const;

    const settings::Options& options_;
    const translate::Plan& plan_;
    Record& record_;
    int directory_fd_;
    std::optional<cgroup::ContainerCgroup> cgroup_;
    std::optional<cgroup::ContainerCgroup> setup_;  // until init enters its own
    std::optional<helpers::SystemdHelper> systemd_;
    bool has_unit_ = false;
    bool limits_are_applied_ = false;
};

}  // namespace lxcri::runtime
