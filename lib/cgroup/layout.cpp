#include "cgroup/layout.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "os/file.h"
#include "os/mountinfo.h"
#include "os/rooted_path.h"

namespace lxcri::cgroup {

namespace {

constexpr std::string_view kUsualPlace = "/sys/fs/cgroup";

// What a version 1 mount may name among its options beside "rw", "xattr" and the like.
constexpr std::array<std::string_view, 13> kControllers = {
    "cpu",  "cpuacct", "cpuset",   "memory",     "devices", "freezer", "blkio",
    "pids", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma",
};

std::string_view take_word(std::string_view& text, char separator = ' ') {
    const auto end = text.find(separator);
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return word;
}

// All mounts of a namespace, to tell which of them a path lookup can reach.
class MountTable {
  public:
    explicit MountTable(std::string_view text) : mounts_(os::parse_mount_lines(text)) {}

    const std::vector<os::MountLine>& mounts() const { return mounts_; }

    // Does a lookup of its mount point end on this mount?
    bool is_visible(const os::MountLine& mount) const {
        for (const os::MountLine& other : mounts_) {
            if (other.parent == mount.id && other.id != mount.id &&
                other.mount_point == mount.mount_point) {
                return false;  // stacked on top of it
            }
        }
        return is_reachable(mount);
    }

  private:
    // The way down from the root to the mount point is not covered by another mount.
    bool is_reachable(const os::MountLine& mount) const {
        const os::MountLine* current = &mount;
        // A loop can only come from a file that is not a mountinfo.
        for (std::size_t depth = 0; depth <= mounts_.size(); ++depth) {
            const os::MountLine* parent = find(current->parent);
            if (parent == nullptr || parent == current) return true;
            for (const os::MountLine& sibling : mounts_) {
                if (sibling.parent == parent->id && sibling.id != current->id &&
                    os::is_same_or_below(current->mount_point, sibling.mount_point)) {
                    return false;
                }
            }
            current = parent;
        }
        return false;
    }

    const os::MountLine* find(int id) const {
        for (const os::MountLine& mount : mounts_) {
            if (mount.id == id) return &mount;
        }
        return nullptr;
    }

    std::vector<os::MountLine> mounts_;
};

std::vector<std::string> v1_controllers(std::string_view options) {
    std::vector<std::string> controllers;
    while (!options.empty()) {
        const std::string_view option = take_word(options, ',');
        const bool known =
            std::find(kControllers.begin(), kControllers.end(), option) != kControllers.end();
        if (known || option.substr(0, 5) == "name=") controllers.emplace_back(option);
    }
    return controllers;
}

// A hierarchy can be mounted more than once, partly in other containers' trees: the whole of it
// is better than a part, the usual place better than another.
int rank(const os::MountLine& mount) {
    return (mount.root == "/" ? 2 : 0) +
           (os::is_same_or_below(mount.mount_point, kUsualPlace) ? 1 : 0);
}

Mode mode_of(const std::vector<Hierarchy>& hierarchies) {
    const auto is_v2 = [](const Hierarchy& hierarchy) { return hierarchy.version == 2; };
    if (hierarchies.empty()) return Mode::none;
    if (std::all_of(hierarchies.begin(), hierarchies.end(), is_v2)) return Mode::unified;
    return std::any_of(hierarchies.begin(), hierarchies.end(), is_v2) ? Mode::hybrid : Mode::legacy;
}

}  // namespace

const Hierarchy* Layout::find_v1(std::string_view controller) const {
    for (const Hierarchy& hierarchy : hierarchies) {
        const auto& list = hierarchy.controllers;
        if (std::find(list.begin(), list.end(), controller) != list.end()) return &hierarchy;
    }
    return nullptr;
}

const Hierarchy* Layout::find_v2() const {
    for (const Hierarchy& hierarchy : hierarchies) {
        if (hierarchy.version == 2) return &hierarchy;
    }
    return nullptr;
}

Layout parse_mountinfo(std::string_view text) {
    const MountTable table(text);
    std::vector<std::pair<int, Hierarchy>> found;  // with its rank
    for (const os::MountLine& mount : table.mounts()) {
        if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
        if (!table.is_visible(mount)) continue;
        Hierarchy hierarchy;
        hierarchy.version = mount.type == "cgroup2" ? 2 : 1;
        hierarchy.mount_point = os::unescape_mount(mount.mount_point);
        if (hierarchy.version == 1) {
            hierarchy.controllers = v1_controllers(mount.options);
            if (hierarchy.controllers.empty()) continue;
        }
        const auto same = std::find_if(found.begin(), found.end(), [&](const auto& entry) {
            return entry.second.version == hierarchy.version &&
                   entry.second.controllers == hierarchy.controllers;
        });
        if (same == found.end()) {
            found.emplace_back(rank(mount), std::move(hierarchy));
        } else if (rank(mount) > same->first) {
            *same = {rank(mount), std::move(hierarchy)};
        }
    }
    Layout layout;
    for (auto& entry : found) layout.hierarchies.push_back(std::move(entry.second));
    std::stable_partition(layout.hierarchies.begin(), layout.hierarchies.end(),
                          [](const Hierarchy& hierarchy) { return hierarchy.version == 2; });
    layout.mode = mode_of(layout.hierarchies);
    return layout;
}

Layout read_layout() {
    // The usual host of today has one hierarchy in the usual place: no need to read hundreds of
    // mounts for that.
    struct statfs info {};
    if (::statfs(kUsualPlace.data(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC) {
        Layout layout;
        layout.mode = Mode::unified;
        layout.hierarchies.push_back({2, std::string(kUsualPlace), {}});
        return layout;
    }
    return parse_mountinfo(os::read_file_at(AT_FDCWD, "/proc/self/mountinfo"));
}

std::vector<Membership> parse_memberships(std::string_view text) {
    std::vector<Membership> memberships;
    while (!text.empty()) {
        std::string_view line = take_word(text, '\n');
        const std::string_view id = take_word(line, ':');
        const std::string_view controllers = take_word(line, ':');
        Membership membership;
        if (id != "0") {
            if (controllers.empty()) continue;
            membership.controllers = split(controllers, ',');
        }
        membership.path = line;
        memberships.push_back(std::move(membership));
    }
    return memberships;
}

}  // namespace lxcri::cgroup
