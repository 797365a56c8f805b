#pragma once
// Which cgroup hierarchies this host has, and where they are mounted.

#include <string>
#include <string_view>
#include <vector>

namespace lxcri::cgroup {

// hybrid: version 1 controllers, and beside them a version 2 hierarchy.
enum class Mode { none, legacy, hybrid, unified };

struct Hierarchy {
    int version = 2;
    std::string mount_point;
    // Version 1: what is mounted together, {"cpu", "cpuacct"} or {"name=systemd"}.
    // Version 2: empty; which controllers a directory has is in its cgroup.controllers.
    std::vector<std::string> controllers;
};

struct Layout {
    Mode mode = Mode::none;
    std::vector<Hierarchy> hierarchies;  // version 2 first

    // The version 1 hierarchy of the controller. Returns null if there is none.
    const Hierarchy* find_v1(std::string_view controller) const;
    // The version 2 hierarchy. Returns null if there is none.
    const Hierarchy* find_v2() const;
};

template <class V>
void visit_fields(V& visit, Hierarchy& hierarchy) {
    visit("version", hierarchy.version);
    visit("mountPoint", hierarchy.mount_point);
    visit("controllers", hierarchy.controllers);
}

template <class V>
void visit_fields(V& visit, Layout& layout) {
    visit("mode", layout.mode);
    visit("hierarchies", layout.hierarchies);
}

// Of this process's mount namespace.
Layout read_layout();

// The same from the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). A mount that another
// one covers does not count.
Layout parse_mountinfo(std::string_view text);

// A line of /proc/PID/cgroup (cgroups(7)).
struct Membership {
    std::vector<std::string> controllers;  // empty: version 2
    std::string path;                      // as this cgroup namespace sees it
};
std::vector<Membership> parse_memberships(std::string_view text);

}  // namespace lxcri::cgroup
