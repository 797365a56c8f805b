#pragma once
// state.json: what `create` writes down about a container, once before its first process exists and
// once when it is created; and what is added later. Facts only; the status is derived from them
// each time (container.h).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attached/resctrl.h"
#include "attached/root_mount.h"
#include "cgroup/container_cgroup.h"
#include "handoff/plug.h"
#include "oci/devices.h"

namespace lxcri::runtime {

// What `lxcri mounts` has added. Where it is now, and whether it is still there, the mount tells.
struct PluggedMount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;
    handoff::PlugPlace place;
};

// What `lxcri devices` has added.
struct PluggedDevice {
    handoff::DeviceNode node;
    std::string access;  // letters out of "rwm"; "" of a FIFO
    handoff::PlugPlace place;
};

struct Record {
    std::string id;
    std::string oci_version;
    std::string bundle;
    std::string rootfs;
    std::string created;  // RFC 3339, UTC
    std::string owner;
    std::map<std::string, std::string> annotations;
    // The container process (and lxcri-init before it). 0: there is none yet.
    int pid = 0;
    std::uint64_t start_time = 0;
    int monitor_pid = 0;  // only with `monitor = keep`
    std::uint64_t monitor_start_time = 0;
    int supervisor_pid = 0;  // only of a container that starts again (supervisor.h)
    std::uint64_t supervisor_start_time = 0;
    bool own_pid_namespace = true;
    // Has the plan something for `start` or `delete` to do: poststart or poststop hooks, or no
    // process? Without this they need not read it.
    bool needs_plan = true;
    attached::RootMount root_mount;
    cgroup::Record cgroup;
    cgroup::Record setup_cgroup;  // only while `create` is at work, and seldom then
    // False while the cgroup is only planned: a directory that exists then need not be ours, and no
    // process in it may be killed.
    bool owns_cgroup = false;
    attached::ResctrlRecord resctrl;
    // The systemd unit around the cgroup; "": there is none.
    std::string unit;
    std::vector<PluggedMount> mounts;
    std::vector<PluggedDevice> devices;
    // Of the last `update` that had some; else those of the plan hold. Those of `devices` come on
    // top.
    std::optional<std::vector<oci::DeviceRule>> device_rules;
};

// The process that callers wait for with waitpid: their child, which ends as the container process
// does. Only where no other process stays is it the container process.
pid_t pid_for_callers(const Record& record);

// One line of JSON.
std::string record_json(const Record& record);

void write_record(int directory_fd, const Record& record);
// Returns nullopt if there is none: `create` was killed early.
std::optional<Record> find_record(int directory_fd);

}  // namespace lxcri::runtime
