#include "host/lxcfs.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::host {

bool runs_lxcfs() {
    return ::access(concat(kLxcfs, "/proc/meminfo").c_str(), F_OK) == 0;
}

void add_lxcfs(const std::string& mount_point, oci::Spec& spec) {
    const auto mounts_at = [&](const std::string& destination) {
        return std::any_of(spec.mounts.begin(), spec.mounts.end(), [&](const oci::Mount& mount) {
            return mount.destination == destination;
        });
    };
    if (!mounts_at("/proc")) return;
    bool found = false;
    for (const char* name :
         {"cpuinfo", "diskstats", "loadavg", "meminfo", "stat", "swaps", "uptime"}) {
        const std::string source = concat(mount_point, "/proc/", name);
        if (::access(source.c_str(), F_OK) == -1) continue;
        found = true;
        const std::string destination = concat("/proc/", name);
        if (mounts_at(destination)) continue;
        oci::Mount mount;
        mount.destination = destination;
        mount.type = "bind";
        mount.source = source;
        mount.options = {"bind", "ro", "nosuid", "nodev", "noexec"};
        mount.pointer = "lxcfs";
        spec.mounts.push_back(std::move(mount));
    }
    if (!found) throw Error(concat("lxcfs: is not mounted at ", in_quotes(mount_point)));
}

}  // namespace lxcri::host
