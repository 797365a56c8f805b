#include "cgroup/layout.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"
#include "os/file.h"
#include "os/rooted_path.h"

namespace lxcri::cgroup {

namespace {

constexpr std::string_view kUsualPlace = "/sys/fs/cgroup";

// What a version 1 mount may name among its options beside "rw", "xattr" and the like.
constexpr std::array<std::string_view, 13> kControllers = {
    "cpu",  "cpuacct", "cpuset",   "memory",     "devices", "freezer", "blkio",
    "pids", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma",
};

// A line of mountinfo; the views are into its text.
struct Mount {
    int id = -1;
    int parent = -1;
    std::string_view root;
    std::string_view point;  // still with octal escapes
    std::string_view type;
    std::string_view options;  // of the filesystem, not of the mount
};

std::string_view take_word(std::string_view& text, char separator = ' ') {
    const auto end = text.find(separator);
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return word;
}

std::optional<Mount> parse_mount(std::string_view line) {
    const auto separator = line.find(" - ");
    if (separator == std::string_view::npos) return {};
    Mount mount;
    std::string_view rest = line.substr(separator + 3);
    mount.type = take_word(rest);
    take_word(rest);  // source
    mount.options = take_word(rest);
    rest = line.substr(0, separator);
    const auto id = parse_integer<int>(take_word(rest));
    const auto parent = parse_integer<int>(take_word(rest));
    if (!id || !parent) return {};
    mount.id = *id;
    mount.parent = *parent;
    take_word(rest);  // device
    mount.root = take_word(rest);
    mount.point = take_word(rest);
    return mount;
}

// The kernel writes blank, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped = text[i] == '\\' && i + 3 < text.size() &&
                             std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                         text.begin() + static_cast<std::ptrdiff_t>(i) + 4,
                                         [](char c) { return c >= '0' && c <= '7'; });
        if (!escaped) {
            result += text[i];
            continue;
        }
        const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
        result += static_cast<char>(code);
        i += 3;
    }
    return result;
}

// All mounts of a namespace, to tell which of them a path lookup can reach.
class MountTable {
  public:
    explicit MountTable(std::string_view text) {
        while (!text.empty()) {
            if (const auto mount = parse_mount(take_word(text, '\n'))) mounts_.push_back(*mount);
        }
    }

    const std::vector<Mount>& mounts() const { return mounts_; }

    // Does a lookup of its mount point end on this mount?
    bool is_visible(const Mount& mount) const {
        for (const Mount& other : mounts_) {
            if (other.parent == mount.id && other.id != mount.id && other.point == mount.point) {
                return false;  // stacked on top of it
            }
        }
        return is_reachable(mount);
    }

  private:
    // The way down from the root to the mount point is not covered by another mount.
    bool is_reachable(const Mount& mount) const {
        const Mount* current = &mount;
        // A loop can only come from a file that is no mountinfo.
        for (std::size_t depth = 0; depth <= mounts_.size(); ++depth) {
            const Mount* parent = find(current->parent);
            if (parent == nullptr || parent == current) return true;
            for (const Mount& sibling : mounts_) {
                if (sibling.parent == parent->id && sibling.id != current->id &&
                    os::is_same_or_below(current->point, sibling.point)) {
                    return false;
                }
            }
            current = parent;
        }
        return false;
    }

    const Mount* find(int id) const {
        for (const Mount& mount : mounts_) {
            if (mount.id == id) return &mount;
        }
        return nullptr;
    }

    std::vector<Mount> mounts_;
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
int rank(const Mount& mount) {
    return (mount.root == "/" ? 2 : 0) + (os::is_same_or_below(mount.point, kUsualPlace) ? 1 : 0);
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
    for (const Mount& mount : table.mounts()) {
        if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
        if (!table.is_visible(mount)) continue;
        Hierarchy hierarchy;
        hierarchy.version = mount.type == "cgroup2" ? 2 : 1;
        hierarchy.mount_point = unescape(mount.point);
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
