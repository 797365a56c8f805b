#pragma once
// The mounts of a mount namespace as /proc/PID/mountinfo lists them: proc_pid_mountinfo(5).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lxcri::os {

// One line; the views are into its text, and paths are still escaped.
struct MountLine {
    int id = -1;
    int parent = -1;
    std::string_view root;         // what of the filesystem is mounted
    std::string_view mount_point;  // as the reader's root sees it
    std::string_view propagation;  // "shared:2 master:1"; "" if private
    std::string_view type;
    std::string_view options;  // of the filesystem, not of the mount
};

// Returns nullopt if it is not such a line.
std::optional<MountLine> parse_mount_line(std::string_view line);
// Those of the text that are, in its order.
std::vector<MountLine> parse_mount_lines(std::string_view text);

// The kernel writes blank, tab, newline and backslash as \ooo.
std::string unescape_mount(std::string_view text);

}  // namespace lxcri::os
