// ContainerCgroup::create(): the directories.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "cgroup/events.h"
#include "cgroup/marks.h"
#include "cgroup/permission.h"
#include "cgroup/tree.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// Removes what was made, youngest first, unless commit() was called.
class Undo {
  public:
    Undo() = default;
    Undo(const Undo&) = delete;
    Undo& operator=(const Undo&) = delete;
    ~Undo() {
        // One that refuses is in use by another program already, which removes it.
        for (auto path = made_.rbegin(); path != made_.rend(); ++path) (void)::rmdir(path->c_str());
    }
    void add(std::string path) { made_.push_back(std::move(path)); }
    void commit() { made_.clear(); }

  private:
    std::vector<std::string> made_;
};

bool is_cpuset(const Hierarchy& hierarchy) {
    const auto& list = hierarchy.controllers;
    return std::find(list.begin(), list.end(), "cpuset") != list.end();
}

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

// "0-3\n" -> "0-3".
std::string without_end(std::string line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    return line;
}

std::string read_set(const std::string& dir, std::string_view file) {
    return without_end(os::read_file_at(AT_FDCWD, concat(dir, "/", file)));
}

// A version 1 cpuset starts without cpus and nodes, and no process may enter it so: it gets those
// of the cgroup above, which may itself have been made a moment ago.
std::string fill_cpuset(const std::string& mount_point, const std::string& dir,
                        std::string_view file, bool is_new) {
    std::string value = is_new ? "" : read_set(dir, file);
    if (!value.empty() || dir == mount_point) return value;
    value = fill_cpuset(mount_point, parent_of(dir), file, false);
    os::write_value_at(AT_FDCWD, concat(dir, "/", file), value);
    return value;
}

// cgroup v1 reports "FROZEN" or "FREEZING" for a frozen cgroup above, too: nothing would run.
bool is_frozen_directory(int dir_fd) {
    if (const auto events = EventsFile::find(dir_fd)) {
        return find_file(dir_fd, "cgroup.freeze").value_or("0").starts_with('1');
    }
    const auto state = find_file(dir_fd, "freezer.state");
    return state && !state->starts_with("THAWED");
}

// cgroups(7), "The no internal processes rule" and "Thread mode".
void check_takes_processes(const std::string& path, int dir_fd) {
    const auto type = find_value(dir_fd, "cgroup.type");
    if (!type) return;  // version 1, or the root
    const std::string passed_on =
        without_end(find_value(dir_fd, "cgroup.subtree_control").value_or(""));
    if (!passed_on.empty()) {
        throw SpecError("/linux/cgroupsPath",
                        concat("the cgroup ", in_quotes(path),
                               " exists and takes no processes: it gives the controllers ",
                               in_quotes(passed_on), " to those below it"));
    }
    const std::string kind = without_end(*type);
    if (kind != "domain" && kind != "domain threaded") {
        throw SpecError("/linux/cgroupsPath",
                        concat("the cgroup ", in_quotes(path),
                               " exists and takes no processes: its type is ", in_quotes(kind)));
    }
}

// config-linux.md "Cgroups Path" lets a runtime refuse what cannot be right.
void check_unused(const std::string& path, const std::string& owner) {
    const os::UniqueFd dir = os::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
    const std::string other = find_owner(path);
    if (!other.empty() && other != owner && ::access(other.c_str(), F_OK) == 0) {
        // The end of the one would be the end of the other.
        throw SpecError(
            "/linux/cgroupsPath",
            concat("the cgroup ", in_quotes(path), " belongs to the container ",
                   in_quotes(other.substr(other.rfind('/') + 1)), ", which must be deleted first"));
    }
    const auto pids = read_all_processes(dir.get());
    if (!pids.empty()) {
        throw Error(concat("the cgroup ", in_quotes(path), " exists and has processes (",
                           std::to_string(pids.front()), pids.size() > 1 ? ", ..." : "", ")"));
    }
    if (is_frozen_directory(dir.get())) {
        throw Error(concat("the cgroup ", in_quotes(path), " exists and is frozen"));
    }
    check_takes_processes(path, dir.get());
}

SystemError cannot_make(int code, const std::string& dir) {
    SystemError error(code, "mkdir", dir);
    explain_refusal(error);
    return error;
}

// Sets first_missing where a directory could not be marked: then the record has to know it.
void make_parents(Directory& directory, Undo& undo) {
    const std::string& mount_point = directory.mount_point;
    const std::string& path = directory.path;
    const std::string end = parent_of(path);
    for (auto slash = mount_point.size(); slash != std::string::npos && slash < end.size();) {
        slash = end.find('/', slash + 1);
        const std::string dir = end.substr(0, slash);
        if (::mkdir(dir.c_str(), 0755) == 0) {
            undo.add(dir);
            if (!mark_as_made(dir) && directory.first_missing.empty()) {
                directory.first_missing = dir;
            }
        } else if (errno != EEXIST) {
            throw cannot_make(errno, dir);
        }
    }
}

// Returns true if it was not there before.
bool make_leaf(Directory& directory, Undo& undo) {
    const std::string& path = directory.path;
    // A container that ends may remove a directory that we have just made for ours below it.
    constexpr int kAttempts = 100;
    for (int attempt = 1;; ++attempt) {
        if (::mkdir(path.c_str(), 0755) == 0) {
            undo.add(path);
            return true;
        }
        if (errno == EEXIST) return false;
        if ((errno != ENOENT && errno != ENODEV) || attempt == kAttempts) {
            throw cannot_make(errno, path);
        }
        try {
            make_parents(directory, undo);
        } catch (const SystemError& error) {
            if (error.code() != ENOENT && error.code() != ENODEV) throw;
        }
    }
}

enum class Existing { must_be_unused, is_welcome };

Directory make_directory(const Hierarchy& hierarchy, const std::string& path, Existing existing,
                         const std::string& owner, Undo& undo) {
    Directory directory;
    directory.version = hierarchy.version;
    directory.controllers = hierarchy.controllers;
    directory.mount_point = hierarchy.mount_point;
    directory.path = concat(hierarchy.mount_point, "/", path);
    const bool is_new = make_leaf(directory, undo);
    if (!is_new && existing == Existing::must_be_unused) check_unused(directory.path, owner);
    if (!owner.empty()) mark_owner(directory.path, owner);
    if (is_cpuset(hierarchy)) {
        for (const auto file : {"cpuset.cpus", "cpuset.mems"}) {
            fill_cpuset(hierarchy.mount_point, directory.path, file, is_new);
        }
    }
    return directory;
}

// The first directory above `path` that does not exist; "": all do.
std::string find_missing(const std::string& mount_point, const std::string& path) {
    for (auto slash = path.find('/', mount_point.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        std::string dir = path.substr(0, slash);
        if (::access(dir.c_str(), F_OK) == -1 && errno == ENOENT) return dir;
    }
    return {};
}

}  // namespace

std::uint64_t inode_of(const std::string& path) {
    struct stat info {};
    os::check(::stat(path.c_str(), &info), "stat", path);
    return info.st_ino;
}

Record planned_record(const Layout& layout, const std::string& path) {
    Record record;
    for (const auto& hierarchy : layout.hierarchies) {
        const std::string whole = concat(hierarchy.mount_point, "/", path);
        record.directories.push_back({hierarchy.version, hierarchy.controllers,
                                      hierarchy.mount_point, whole, 0,
                                      find_missing(hierarchy.mount_point, whole)});
    }
    return record;
}

ContainerCgroup ContainerCgroup::create(const Layout& layout, const std::string& path,
                                        const std::string& owner) {
    Undo undo;
    Record record;
    for (const Hierarchy& hierarchy : layout.hierarchies) {
        record.directories.push_back(
            make_directory(hierarchy, path, Existing::must_be_unused, owner, undo));
        record.directories.back().inode = inode_of(record.directories.back().path);
    }
    undo.commit();
    return ContainerCgroup(std::move(record));
}

ContainerCgroup ContainerCgroup::make_below(const std::string& path) const {
    const Directory* directory = find_v2();
    if (directory == nullptr) throw Error("the container has no cgroup of version 2");
    std::string made = directory->path;
    for (const auto& name : split(path, '/')) {
        made = concat(made, "/", name);
        if (::mkdir(made.c_str(), 0755) == -1 && errno != EEXIST) {
            throw SystemError(errno, "mkdir", made);
        }
    }
    Directory below = *directory;
    below.path = std::move(made);
    below.inode = 0;
    return ContainerCgroup(Record{{std::move(below)}});
}

ContainerCgroup ContainerCgroup::open_or_make(const Layout& layout, const std::string& path) {
    Undo undo;
    Record record;
    for (const Hierarchy& hierarchy : layout.hierarchies) {
        record.directories.push_back(
            make_directory(hierarchy, path, Existing::is_welcome, {}, undo));
    }
    undo.commit();
    return ContainerCgroup(std::move(record));
}

}  // namespace lxcri::cgroup
