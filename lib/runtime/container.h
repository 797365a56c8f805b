#pragma once
// A container that exists: its record, and its status as the facts tell it now.

#include <optional>
#include <string>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "os/process.h"
#include "runtime/container_dir.h"
#include "runtime/options.h"
#include "runtime/record.h"

namespace lxcri::runtime {

class Container {
  public:
    // NotFoundError when there is none.
    static Container open(const Options& options, const std::string& id);

    const Record& record() const noexcept { return record_; }
    ContainerDir& dir() noexcept { return dir_; }

    // Whoever changes something locks first and looks afterwards.
    void lock();
    void unlock() { dir_.unlock(); }

    oci::Status status() const;
    oci::State state() const;
    // The container process, or lxcri-init before it; nothing when it has ended.
    std::optional<os::ProcessRef> init() const;
    cgroup::ContainerCgroup cgroup() const { return cgroup::ContainerCgroup::open(record_.cgroup); }
    // StateError when the container has none of its own.
    cgroup::ContainerCgroup own_cgroup() const;
    // The config.json that `create` has read.
    oci::Spec spec() const;

    // Kills what still runs, removes cgroup and directory, then runs the poststop hooks.
    void destroy(const Options& options);

  private:
    Container(ContainerDir dir, Record record, bool complete)
        : dir_(std::move(dir)), record_(std::move(record)), complete_(complete) {}
    // The container's own, and where those were who set it up, if `create` has left that behind.
    std::vector<cgroup::ContainerCgroup> cgroups() const;
    void kill_everything(os::Clock::time_point deadline) const;
    void remove_cgroup(const Options& options, os::Clock::time_point deadline) const;
    void remove_resctrl() const;

    ContainerDir dir_;
    Record record_;
    bool complete_;  // false: `create` has not come to the record
};

// The poststop hooks, after the container is gone: a failure is a warning (runtime.md "Lifecycle").
void run_poststop_hooks(const oci::Spec& spec, oci::State state, const Options::Tell& warn);

}  // namespace lxcri::runtime
