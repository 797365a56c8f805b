// How a new process comes into the container's cgroup.
#include <fcntl.h>
#include <linux/openat2.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "os/file.h"
#include "os/rooted_path.h"

namespace lxcri::cgroup {

namespace {

// Is it meant for this directory? Without controllers it is for every one.
bool is_for(const SubCgroup& below, const Directory& directory) {
    if (below.controllers.empty()) return true;
    if (directory.version == 2) return false;
    return std::any_of(
        below.controllers.begin(), below.controllers.end(), [&](const auto& controller) {
            return std::find(directory.controllers.begin(), directory.controllers.end(),
                             controller) != directory.controllers.end();
        });
}

// The kernel itself sees to it that ".." does not lead out.
os::UniqueFd open_below(const os::UniqueFd& dir, std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    if (path.empty()) path = ".";
    const std::string name(path);
    os::UniqueFd found(os::try_openat2(dir.get(), name, O_PATH | O_DIRECTORY, 0,
                                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
    if (found.valid()) return found;
    if (errno == EXDEV)
        throw Error(concat(in_quotes(path), " leads out of the container's cgroup"));
    throw SystemError(errno, "open cgroup", path);
}

// "/a/b" of the line for this hierarchy in /proc/PID/cgroup, which is "0::/a/b" or
// "4:cpu,cpuacct:/a/b": cgroups(7).
std::string find_path(pid_t pid, const Directory& directory) {
    const std::string text =
        os::read_file_at(AT_FDCWD, concat("/proc/", std::to_string(pid), "/cgroup"));
    for (const std::string& line : split(text, '\n')) {
        const auto first = line.find(':');
        const auto second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const auto names = split(line.substr(first + 1, second - first - 1), ',');
        const bool found = directory.version == 2
                               ? line.starts_with("0::")
                               : !directory.controllers.empty() &&
                                     std::find(names.begin(), names.end(),
                                               directory.controllers.front()) != names.end();
        if (found) return line.substr(second + 1);
    }
    return {};
}

// Of version 2, with cgroups below that have controllers: it takes no process.
bool passes_controllers_on(const os::UniqueFd& dir) {
    return os::read_file_at(dir.get(), "cgroup.subtree_control").find_first_not_of('\n') !=
           std::string::npos;
}

// Below the container's cgroup.
std::string path_of_process(pid_t pid, const Directory& directory) {
    std::string path = concat(directory.mount_point, find_path(pid, directory));
    if (!os::is_same_or_below(path, directory.path)) {
        throw Error("the container process has left the container's cgroup");
    }
    return path;
}

}  // namespace

os::CgroupEntrance Entrance::borrow() const {
    os::CgroupEntrance borrowed{unified_.get(), {}};
    for (const os::UniqueFd& tasks : tasks_) borrowed.tasks.push_back(tasks.get());
    return borrowed;
}

bool Entrance::is_inside(pid_t pid) const {
    if (!unified_.valid()) return true;
    const auto pids = split(os::read_file_at(unified_.get(), "cgroup.procs"), '\n');
    return std::find(pids.begin(), pids.end(), std::to_string(pid)) != pids.end();
}

Entrance ContainerCgroup::entrance(std::span<const SubCgroup> below, pid_t init) const {
    Entrance entrance;
    std::vector<bool> used(below.size());
    for (const Directory& directory : record_.directories) {
        os::UniqueFd dir = open_directory(directory);
        if (!dir.valid() && init != 0) {
            dir = os::open_at(AT_FDCWD, concat(directory.mount_point, find_path(init, directory)),
                              O_PATH | O_DIRECTORY);
        }
        if (!dir.valid()) {
            throw Error(
                concat("the container's cgroup ", directory.path, " does not exist any more"));
        }
        for (std::size_t i = 0; i < below.size(); ++i) {
            if (!is_for(below[i], directory)) continue;
            dir = open_below(dir, below[i].path);
            used[i] = true;
        }
        if (directory.version == 2) {
            entrance.unified_ = std::move(dir);
        } else {
            entrance.tasks_.push_back(os::open_at(dir.get(), "tasks", O_WRONLY));
        }
    }
    for (std::size_t i = 0; i < below.size(); ++i) {
        if (used[i]) continue;
        throw Error(concat("the container has no cgroup of version 1 with the controller ",
                           in_quotes(join(below[i].controllers, ","))));
    }
    return entrance;
}

Entrance ContainerCgroup::entrance_beside(pid_t pid) const {
    Entrance entrance = this->entrance({}, pid);
    const Directory* directory = find_v2();
    if (directory == nullptr) return entrance;
    const std::string path = path_of_process(pid, *directory);
    entrance.unified_ = open_below(open_directory(*directory), path.substr(directory->path.size()));
    return entrance;
}

std::string ContainerCgroup::path_for_process(pid_t init) const {
    const Directory* directory = find_v2();
    if (directory == nullptr) return record_.directories.front().path;
    const os::UniqueFd dir = open_directory(*directory);
    if (dir.valid() && !passes_controllers_on(dir)) return directory->path;
    return path_of_process(init, *directory);
}

}  // namespace lxcri::cgroup
