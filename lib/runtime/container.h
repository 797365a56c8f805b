#pragma once
// A container that exists: its record, and its status as the facts tell it now.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "oci/state.h"
#include "os/process.h"
#include "runtime/container_dir.h"
#include "runtime/record.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::runtime {

class Container {
  public:
    // Throws NotFoundError if there is none.
    static Container open(const settings::Options& options, const std::string& id);
    // For an operation that changes something: it locks first and looks afterwards. Throws
    // NotFoundError too if the container is removed while this waits for another command, and
    // StateError if that takes long.
    static Container open_locked(const settings::Options& options, const std::string& id);
    // For `delete --force`: what cannot be read is a warning, and what it would have led to is
    // looked for elsewhere.
    static Container open_damaged(const settings::Options& options, const std::string& id);

    const Record& record() const noexcept { return record_; }
    ContainerDir& dir() noexcept { return dir_; }
    const ContainerDir& dir() const noexcept { return dir_; }

    void unlock() { dir_.unlock(); }
    // Locked, before the status is looked at: for those who freeze and thaw.
    os::FileLock lock_freezer() const;
    // Another command that does not come to its end is killed.
    void lock_by_force(const settings::Options& options);

    oci::Status status() const;
    oci::State state() const;
    // The container process, or lxcri-init before it. Returns nullopt if it has ended.
    std::optional<os::ProcessRef> init() const;
    // Is, or was, this its container process? No two processes are the same in this.
    bool is_of(const os::ProcessRef& process) const {
        return record_.pid == process.pid() && record_.start_time == process.start_time();
    }
    cgroup::ContainerCgroup cgroup() const { return cgroup::ContainerCgroup::open(record_.cgroup); }
    // Throws StateError if the container has none of its own.
    cgroup::ContainerCgroup own_cgroup() const;
    // What `create` has decided. Where that was another version of lxcri it is decided anew, from
    // the config.json that `create` has read.
    translate::Plan plan(const settings::Options& options) const;

    // The config.json that `create` has read, and what becomes of such a text for this container.
    std::string config() const;
    translate::Plan plan_of(const settings::Options& options, std::string_view config) const;
    // state.json; what this object knows follows. Locked.
    void write(Record record);

    // After a SIGKILL: what is frozen dies when it is thawed.
    void let_killed_die(os::Deadline deadline) const;
    // Kills what still runs, removes cgroup and directory, then runs the poststop hooks.
    void destroy(const settings::Options& options);
    // The same, but that config.json and the record stay, for its next life. The directory is
    // locked.
    ContainerDir end_life(const settings::Options& options);

  private:
    enum class Damage { refused, accepted };
    Container(ContainerDir dir, Record record, Damage damage)
        : dir_(std::move(dir)), record_(std::move(record)), damage_(damage) {}
    static Container open(const settings::Options& options, ContainerDir dir, const std::string& id,
                          Damage damage);
    void lock(std::chrono::milliseconds patience);
    std::optional<Record> read_record() const;
    std::optional<translate::Plan> find_stored_plan() const;
    // Of a plan that has some.
    std::optional<translate::HostPlan> find_poststop_hooks(const settings::Options& options) const;
    void find_lost_cgroups();
    // The container's own, and where those were who set it up, if `create` has left that behind.
    std::vector<cgroup::ContainerCgroup> cgroups() const;
    void kill_everything(os::Deadline deadline) const;
    bool is_others(const cgroup::ContainerCgroup& group) const;
    void remove_cgroup(const settings::Options& options, os::Deadline deadline) const;
    void remove_resctrl() const;
    // All of it but the directory.
    void take_down(const settings::Options& options);
    void run_poststop(const translate::HostPlan& plan, const settings::Options& options) const;

    ContainerDir dir_;
    Record record_;
    Damage damage_;
    bool complete_ = false;  // false: `create` has not come to the record, or it is lost
    std::vector<cgroup::Record> lost_cgroups_;  // ours, and in no record
};

// The poststop hooks, after the container is gone: a failure is a warning (runtime.md "Lifecycle").
void run_poststop_hooks(const translate::HostPlan& plan, const oci::State& state,
                        const settings::Options::Tell& warn);

}  // namespace lxcri::runtime
