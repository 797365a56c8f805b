#include "host/own_cgroup.h"

#include <fcntl.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"

namespace lxcri::host {

cgroup::Record own_cgroup(const cgroup::Layout& layout) {
    const auto memberships =
        cgroup::parse_memberships(os::read_file_at(AT_FDCWD, "/proc/self/cgroup"));
    cgroup::Record own;
    for (const auto& hierarchy : layout.hierarchies) {
        const auto found = std::find_if(memberships.begin(), memberships.end(),
                                        [&](const cgroup::Membership& membership) {
                                            return membership.controllers == hierarchy.controllers;
                                        });
        if (found == memberships.end()) continue;
        own.directories.push_back({hierarchy.version, hierarchy.controllers, hierarchy.mount_point,
                                   concat(hierarchy.mount_point, found->path), 0});
    }
    return own;
}

void move_monitor(const cgroup::Layout& layout, const std::string& path, pid_t pid) {
    if (path.empty()) {
        return cgroup::ContainerCgroup::open(own_cgroup(layout)).add_process(pid);
    }
    in_context("monitorCgroup",
               [&] { cgroup::ContainerCgroup::open_or_make(layout, path).add_process(pid); });
}

}  // namespace lxcri::host
