#include "cgroup/marks.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// "trusted" needs CAP_SYS_ADMIN of the machine, and is the only kind that version 1 has; "user" is
// for user namespaces.
constexpr std::array<std::string_view, 2> kKinds = {"trusted.lxcri.", "user.lxcri."};

constexpr std::string_view kMade = "made";
constexpr std::string_view kOwner = "container";

// The filesystem has no such attributes, or this process may not use them.
bool is_unsupported(int error) {
    constexpr std::array kUnsupported = {EOPNOTSUPP, EPERM, EACCES, ENOSYS};
    return std::find(kUnsupported.begin(), kUnsupported.end(), error) != kUnsupported.end();
}

bool set_mark(const std::string& dir, std::string_view mark, std::string_view value) {
    for (const std::string_view kind : kKinds) {
        const std::string name = concat(kind, mark);
        if (::setxattr(dir.c_str(), name.c_str(), value.data(), value.size(), 0) == 0) return true;
        if (!is_unsupported(errno)) throw SystemError(errno, "setxattr", dir);
    }
    return false;
}

// No such mark, no marks at all, or nothing that could have one.
bool is_absence(int error) {
    constexpr std::array kAbsent = {ENODATA, EOPNOTSUPP, EPERM, EACCES, ENOENT, ENODEV, ENOTDIR};
    return std::find(kAbsent.begin(), kAbsent.end(), error) != kAbsent.end();
}

// "": there is none.
std::string find_mark(const std::string& dir, std::string_view mark) {
    std::array<char, PATH_MAX> value{};
    for (const std::string_view kind : kKinds) {
        const std::string name = concat(kind, mark);
        const ssize_t length = ::getxattr(dir.c_str(), name.c_str(), value.data(), value.size());
        if (length > 0) return {value.data(), static_cast<std::size_t>(length)};
        if (length == -1 && !is_absence(errno)) throw SystemError(errno, "getxattr", dir);
    }
    return {};
}

}  // namespace

bool mark_as_made(const std::string& dir) {
    return set_mark(dir, kMade, "1");
}

bool is_marked_as_made(const std::string& dir) {
    return !find_mark(dir, kMade).empty();
}

void mark_owner(const std::string& dir, const std::string& owner) {
    (void)set_mark(dir, kOwner, owner);
}

std::string find_owner(const std::string& dir) {
    return find_mark(dir, kOwner);
}

std::vector<Record> find_owned(const Layout& layout, const std::string& owner) {
    std::map<std::string, Record> found;  // by the path below the mount point
    for (const Hierarchy& hierarchy : layout.hierarchies) {
        const auto top = os::find_at(AT_FDCWD, hierarchy.mount_point, O_PATH | O_DIRECTORY);
        if (!top) continue;
        TreeWalk walk(top->get());
        while (walk.next()) {
            const std::string descriptor = concat("/proc/self/fd/", std::to_string(walk.fd()));
            if (find_owner(descriptor) != owner) continue;
            const std::string path = os::path_of(walk.fd());
            if (!path.starts_with(concat(hierarchy.mount_point, "/"))) continue;
            found[path.substr(hierarchy.mount_point.size())].directories.push_back(
                {hierarchy.version, hierarchy.controllers, hierarchy.mount_point, path,
                 inode_of(path)});
        }
    }
    std::vector<Record> records;
    records.reserve(found.size());
    for (auto& entry : found) records.push_back(std::move(entry.second));
    return records;
}

}  // namespace lxcri::cgroup
