#include "runtime/own_cgroup.h"

#include <fcntl.h>

#include <algorithm>

#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "os/file.h"

namespace lxcri::runtime {

void move_to_own_cgroup(const cgroup::Layout& layout, pid_t pid) {
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
    cgroup::ContainerCgroup::open(std::move(own)).add_process(pid);
}

}  // namespace lxcri::runtime
