#include "agent/cgroups.h"

#include <fcntl.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/layout.h"
#include "os/file.h"

namespace lxcri::agent {

namespace {

using cgroup::Membership;

bool is_of_devices(const Membership& membership) {
    const auto& names = membership.controllers;
    return names.empty() || std::find(names.begin(), names.end(), "devices") != names.end();
}

}  // namespace

std::vector<os::UniqueFd> open_cgroups(const Caller& caller, Hierarchies hierarchies) {
    const cgroup::Layout layout = cgroup::read_layout();
    const auto own = cgroup::parse_memberships(os::read_file_at(AT_FDCWD, "/proc/self/cgroup"));
    const auto is_own = [&](const Membership& membership) {
        return std::any_of(own.begin(), own.end(), [&](const Membership& row) {
            return row.controllers == membership.controllers && row.path == membership.path;
        });
    };
    std::vector<os::UniqueFd> files;
    for (const auto& membership : cgroup::parse_memberships(caller.read_file("cgroup"))) {
        if (hierarchies == Hierarchies::of_devices && !is_of_devices(membership)) continue;
        if (is_own(membership)) continue;
        const auto* hierarchy = membership.controllers.empty()
                                    ? layout.find_v2()
                                    : layout.find_v1(membership.controllers.front());
        if (hierarchy == nullptr) throw Error("a hierarchy of cgroups is not mounted");
        files.push_back(os::open_at(
            AT_FDCWD, concat(hierarchy->mount_point, membership.path, "/cgroup.procs"), O_WRONLY));
    }
    return files;
}

}  // namespace lxcri::agent
