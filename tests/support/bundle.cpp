#include "support/bundle.h"

#include <sys/stat.h>

#include "support/environment.h"
#include "support/files.h"

namespace lxcri::test {

namespace fs = std::filesystem;

namespace {

Json default_mounts() {
    return Json::parse(R"([
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
         "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs",
         "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}
    ])");
}

Json default_linux() {
    return Json::parse(R"({
        "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                       {"type": "mount"}, {"type": "cgroup"}],
        "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
                        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                        "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    })");
}

}  // namespace

Json default_capabilities() {
    const Json usual = {"CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER",           "CAP_FSETID",
                        "CAP_KILL",   "CAP_MKNOD",        "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
                        "CAP_SETGID", "CAP_SETPCAP",      "CAP_SETUID",           "CAP_SYS_CHROOT"};
    return {{"bounding", usual}, {"effective", usual}, {"permitted", usual}};
}

Bundle::Bundle(fs::path directory, const std::string& name) : directory_(std::move(directory)) {
    for (const char* folder : {"proc", "sys", "dev", "tmp", "etc", "root"}) {
        fs::create_directories(rootfs() / folder);
    }
    chmod(in_rootfs("tmp").c_str(), 01777);
    fs::copy_file(environment().probe, rootfs() / "probe");
    chmod(in_rootfs("probe").c_str(), 0755);
    config = {{"ociVersion", "1.0.2"},
              {"process",
               {{"terminal", false},
                {"user", {{"uid", 0}, {"gid", 0}}},
                {"args", {"/probe", "true"}},
                {"env", {"PATH=/usr/bin:/bin"}},
                {"cwd", "/"},
                {"capabilities", default_capabilities()},
                {"noNewPrivileges", true}}},
              {"root", {{"path", "rootfs"}}},
              {"hostname", "lxcri-test"},
              {"mounts", default_mounts()},
              {"linux", default_linux()}};
    linux()["cgroupsPath"] = "/" + name;
}

fs::path Bundle::in_rootfs(std::string_view name) const {
    while (name.starts_with('/')) name.remove_prefix(1);
    return rootfs() / name;
}

Bundle& Bundle::args(std::vector<std::string> probe_arguments) {
    probe_arguments.insert(probe_arguments.begin(), "/probe");
    process()["args"] = probe_arguments;
    return *this;
}

Bundle& Bundle::add_mount(Json mount) {
    config["mounts"].push_back(std::move(mount));
    return *this;
}

Bundle& Bundle::remove_mount(std::string_view destination) {
    Json kept = Json::array();
    for (const Json& mount : config["mounts"]) {
        if (mount["destination"] != destination) kept.push_back(mount);
    }
    config["mounts"] = kept;
    return *this;
}

Bundle& Bundle::remove_namespace(std::string_view type) {
    Json kept = Json::array();
    for (const Json& space : linux()["namespaces"]) {
        if (space["type"] != type) kept.push_back(space);
    }
    linux()["namespaces"] = kept;
    return *this;
}

Bundle& Bundle::add_namespace(std::string_view type, std::string_view path) {
    remove_namespace(type);
    Json space = {{"type", type}};
    if (!path.empty()) space["path"] = path;
    linux()["namespaces"].push_back(space);
    return *this;
}

void Bundle::write() const {
    write_file(directory_ / "config.json", config.dump(2));
}

}  // namespace lxcri::test
