#pragma once
// state.json: what `create` writes down about a container, once before its first process exists and
// once when it is created. Facts only; the status is derived from them each time (container.h).

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "attached/resctrl.h"
#include "attached/root_mount.h"
#include "cgroup/container_cgroup.h"

namespace lxcri::runtime {

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
    bool own_pid_namespace = true;
    attached::RootMount root_mount;
    cgroup::Record cgroup;
    cgroup::Record setup_cgroup;  // only while `create` is at work, and seldom then
    // False while the cgroup is only planned: a directory that exists then need not be ours, and no
    // process in it may be killed.
    bool owns_cgroup = false;
    attached::ResctrlRecord resctrl;
    // The systemd unit around the cgroup; "": there is none.
    std::string unit;
};

// One line of JSON.
std::string record_json(const Record& record);

void write_record(int directory_fd, const Record& record);
// Returns nullopt if there is none: `create` was killed early.
std::optional<Record> find_record(int directory_fd);

}  // namespace lxcri::runtime
