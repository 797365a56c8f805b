#include "runtime/spec_template.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lxcri::runtime {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTemplate = R"({
  "ociVersion": "1.3.0",
  "process": {
    "terminal": true,
    "user": { "uid": 0, "gid": 0 },
    "args": ["sh"],
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    },
    "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
    "noNewPrivileges": true
  },
  "root": { "path": "rootfs", "readonly": true },
  "hostname": "lxcri",
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
      "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
      "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
      "options": ["nosuid", "noexec", "nodev"] },
    { "destination": "/sys", "type": "sysfs", "source": "sysfs",
      "options": ["nosuid", "noexec", "nodev", "ro"] },
    { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
      "options": ["nosuid", "noexec", "nodev", "relatime", "ro"] }
  ],
  "linux": {
    "namespaces": [
      { "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" },
      { "type": "cgroup" }, { "type": "mount" }
    ],
    "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
    "maskedPaths": [
      "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"
    ],
    "readonlyPaths": [
      "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"
    ]
  }
})";

Json::iterator find_entry(Json& list, const char* key, const char* value) {
    return std::find_if(list.begin(), list.end(),
                        [&](const Json& entry) { return entry.at(key) == value; });
}

// Without privilege a network namespace has no use (the user cannot connect it), so there is no
// sysfs of its own either; and no limits.
void make_rootless(Json& spec, unsigned uid, unsigned gid) {
    Json& section = spec["linux"];
    auto& namespaces = section["namespaces"];
    namespaces.erase(find_entry(namespaces, "type", "network"));
    namespaces.push_back({{"type", "user"}});
    section["uidMappings"] = {{{"containerID", 0}, {"hostID", uid}, {"size", 1}}};
    section["gidMappings"] = {{{"containerID", 0}, {"hostID", gid}, {"size", 1}}};
    section.erase("resources");
    auto& mounts = spec["mounts"];
    auto& options = find_entry(mounts, "destination", "/dev/pts")->at("options");
    options.erase(std::find(options.begin(), options.end(), "gid=5"));
    *find_entry(mounts, "destination", "/sys") = {
        {"destination", "/sys"},
        {"type", "none"},
        {"source", "/sys"},
        {"options", {"rbind", "nosuid", "noexec", "nodev", "ro"}}};
    mounts.erase(find_entry(mounts, "destination", "/sys/fs/cgroup"));
    spec["process"].erase("rlimits");
}

}  // namespace

std::string spec_template(bool rootless, unsigned uid, unsigned gid) {
    Json spec = Json::parse(kTemplate);
    if (rootless) make_rootless(spec, uid, gid);
    return spec.dump(2) + "\n";
}

}  // namespace lxcri::runtime
