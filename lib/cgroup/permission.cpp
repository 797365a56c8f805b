#include "cgroup/permission.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

bool is_writable(const std::string& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// The directory that is there already, of those above `path`.
std::string existing_parent(const std::string& mount_point, const std::string& path) {
    std::string_view above = parent_of(path);
    while (!above.empty() && ::access(concat(mount_point, "/", above).c_str(), F_OK) != 0) {
        above = parent_of(above);
    }
    return concat(mount_point, "/", above);
}

// Version 2 looks at the lowest cgroup that is above both ends of the move.
bool may_move(const Hierarchy& hierarchy, const std::string& path,
              const std::vector<Membership>& own) {
    const auto found = std::find_if(own.begin(), own.end(), [](const Membership& membership) {
        return membership.controllers.empty();
    });
    if (found == own.end()) return false;
    const std::string ancestor =
        common_ancestor(std::string_view(found->path).substr(found->path.starts_with('/')), path);
    return is_writable(concat(hierarchy.mount_point, "/", ancestor, "/cgroup.procs"));
}

}  // namespace

std::string common_ancestor(std::string_view one, std::string_view other) {
    std::string result;
    const auto left = split(one, '/');
    const auto right = split(other, '/');
    for (std::size_t i = 0; i < std::min(left.size(), right.size()) && left[i] == right[i]; ++i) {
        if (!result.empty()) result += '/';
        result += left[i];
    }
    return result;
}

bool runs_systemd() {
    return ::access("/run/systemd/system", F_OK) == 0;
}

void explain_refusal(SystemError& error) {
    std::string advice;
    switch (error.code()) {
        case EBUSY:  // cgroups(7), "The no internal processes rule"
            advice =
                "this cgroup has processes, so it can give no controllers: name one without "
                "processes in /linux/cgroupsPath";
            break;
        case EACCES:
        case EPERM:
            advice =
                "this cgroup is not delegated to this user: name one that is in "
                "/linux/cgroupsPath";
            break;
        case EROFS:
            error.add_consequence(
                "mount the cgroup filesystem writable, or do without cgroups: --cgroup-manager "
                "disabled");
            return;
        default:
            return;
    }
    if (runs_systemd()) advice += ", or let systemd make one: --systemd-cgroup";
    error.add_consequence(advice);
}

bool may_make(const Layout& layout, const std::string& path) {
    const auto own = parse_memberships(os::read_file_at(AT_FDCWD, "/proc/self/cgroup"));
    return std::all_of(layout.hierarchies.begin(), layout.hierarchies.end(),
                       [&](const Hierarchy& hierarchy) {
                           return is_writable(existing_parent(hierarchy.mount_point, path)) &&
                                  (hierarchy.version != 2 || may_move(hierarchy, path, own));
                       });
}

}  // namespace lxcri::cgroup
