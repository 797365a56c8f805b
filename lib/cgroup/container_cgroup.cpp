#include "cgroup/container_cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cgroup/events.h"
#include "cgroup/permission.h"
#include "cgroup/tree.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

bool has_controller(const Directory& directory, std::string_view controller) {
    const auto& list = directory.controllers;
    return std::find(list.begin(), list.end(), controller) != list.end();
}

// "cpu io memory\n" as a file of version 2 lists it.
bool lists_word(std::string_view text, std::string_view word) {
    while (!text.empty()) {
        const auto end = text.find_first_of(" \n");
        if (text.substr(0, end) == word) return true;
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return false;
}

bool is_cgroup_filesystem(int fd) {
    struct statfs info {};
    os::check(::fstatfs(fd, &info), "fstatfs");
    return info.f_type == CGROUP2_SUPER_MAGIC || info.f_type == CGROUP_SUPER_MAGIC;
}

std::vector<std::string> missing_in(const std::string& file,
                                    std::span<const std::string> controllers) {
    const std::string text = os::read_file_at(AT_FDCWD, file);
    std::vector<std::string> missing;
    for (const std::string& controller : controllers) {
        if (!lists_word(text, controller)) missing.push_back(controller);
    }
    return missing;
}

// Makes the controllers of `dir` available to the directories below it.
void enable_in(const std::string& dir, std::span<const std::string> controllers) {
    const auto wanted = missing_in(concat(dir, "/cgroup.subtree_control"), controllers);
    if (wanted.empty()) return;
    const auto absent = missing_in(concat(dir, "/cgroup.controllers"), wanted);
    if (!absent.empty()) {
        throw Error(concat("the cgroup ", in_quotes(dir), " has no controller ",
                           in_quotes(absent.front()), " to give (cgroup.controllers)"));
    }
    std::string value;
    for (const std::string& controller : wanted)
        value += concat(value.empty() ? "+" : " +", controller);
    try {
        os::write_value_at(AT_FDCWD, concat(dir, "/cgroup.subtree_control"), value);
    } catch (SystemError& error) {
        explain_refusal(error);
        throw;
    }
}

}  // namespace

ContainerCgroup ContainerCgroup::open(Record record) {
    return ContainerCgroup(std::move(record));
}

os::UniqueFd ContainerCgroup::open_directory(const Directory& directory) const {
    os::UniqueFd fd(::open(directory.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) {
        if (errno == ENOENT || errno == ENODEV) return fd;
        throw SystemError(errno, "open", directory.path);
    }
    struct stat info {};
    os::check(::fstat(fd.get(), &info), "fstat", directory.path);
    // Another container has the name now, or nothing is mounted there any more.
    if (directory.inode != 0 && info.st_ino != directory.inode) fd.reset();
    if (fd.valid() && !is_cgroup_filesystem(fd.get())) fd.reset();
    return fd;
}

void ContainerCgroup::enable_controllers(std::span<const std::string> controllers) {
    const Directory* directory = find_v2();
    if (directory == nullptr || controllers.empty()) return;
    if (missing_in(concat(directory->path, "/cgroup.controllers"), controllers).empty()) return;
    const std::string& path = directory->path;
    // From the mount point down to the directory above the container's.
    for (auto slash = directory->mount_point.size(); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        enable_in(path.substr(0, slash), controllers);
    }
}

void ContainerCgroup::give_to(uid_t uid) const {
    const Directory* directory = find_v2();
    if (directory == nullptr) return;
    const auto group = static_cast<gid_t>(-1);  // stays
    const os::UniqueFd dir = os::open_at(AT_FDCWD, directory->path, O_RDONLY | O_DIRECTORY);
    if (::fchown(dir.get(), uid, group) != 0) {
        if (errno != EPERM) throw SystemError(errno, "chown", directory->path);
        throw Error(
            concat("/linux/uidMappings: the caller may not give the cgroup to root of the "
                   "container, user ",
                   std::to_string(uid), ": map its ID 0 to the caller's own user"));
    }
    const std::string list = os::find_file_at(AT_FDCWD, "/sys/kernel/cgroup/delegate")
                                 .value_or("cgroup.procs\ncgroup.subtree_control\ncgroup.threads");
    for (const std::string& file : split(list, '\n')) {
        if (file.empty() || ::fchownat(dir.get(), file.c_str(), uid, group, 0) == 0) continue;
        // Not every cgroup has all of them.
        if (errno != ENOENT) throw SystemError(errno, "chown", concat(directory->path, "/", file));
    }
}

const Directory* ContainerCgroup::find_memory() const {
    const Directory* directory = find_v1("memory");
    return directory != nullptr ? directory : find_v2();
}

os::UniqueFd ContainerCgroup::open_memory_entrance() const {
    const Directory* memory = find_memory();
    if (memory == nullptr) throw Error("this host has no cgroup that counts memory");
    const char* file = memory->version == 1 ? "/tasks" : "/cgroup.procs";
    return os::open_at(AT_FDCWD, concat(memory->path, file), O_WRONLY);
}

Record ContainerCgroup::record_without_memory() const {
    Record rest = record_;
    if (const Directory* memory = find_memory()) {
        std::erase_if(rest.directories,
                      [&](const Directory& other) { return other.path == memory->path; });
    }
    return rest;
}

void ContainerCgroup::add_process(pid_t pid) const {
    const std::string text = std::to_string(pid);
    for (const Directory& directory : record_.directories) {
        os::write_value_at(AT_FDCWD, concat(directory.path, "/cgroup.procs"), text);
    }
}

std::vector<pid_t> ContainerCgroup::processes() const {
    const os::UniqueFd dir = open_members();
    return dir.valid() ? read_all_processes(dir.get()) : std::vector<pid_t>{};
}

bool ContainerCgroup::is_populated() const {
    const os::UniqueFd dir = open_members();
    if (!dir.valid()) return false;
    if (const auto events = EventsFile::find(dir.get())) return events->read().populated;
    return !read_all_processes(dir.get()).empty();
}

std::uint64_t ContainerCgroup::oom_kills() const {
    const Directory* directory = find_v1("memory");
    const bool is_v1 = directory != nullptr;
    if (!is_v1) directory = find_v2();
    if (directory == nullptr) return 0;
    const os::UniqueFd dir = open_directory(*directory);
    if (!dir.valid()) return 0;
    const auto text = find_file(dir.get(), is_v1 ? "memory.oom_control" : "memory.events");
    return text ? find_count(*text, "oom_kill").value_or(0) : 0;
}

const Directory* ContainerCgroup::find_v1(std::string_view controller) const {
    for (const Directory& directory : record_.directories) {
        if (directory.version == 1 && has_controller(directory, controller)) return &directory;
    }
    return nullptr;
}

const Directory* ContainerCgroup::find_v2() const {
    for (const Directory& directory : record_.directories) {
        if (directory.version == 2) return &directory;
    }
    return nullptr;
}

const Directory* ContainerCgroup::find_controller(std::string_view controller) const {
    if (const Directory* directory = find_v1(controller)) return directory;
    const Directory* directory = find_v2();
    if (directory == nullptr) return nullptr;
    const auto text = os::find_file_at(AT_FDCWD, concat(directory->path, "/cgroup.controllers"));
    return text && lists_word(*text, controller) ? directory : nullptr;
}

const Directory* ContainerCgroup::find_members() const {
    if (const Directory* directory = find_v2()) return directory;
    for (const std::string_view controller : {"freezer", "pids", "memory", "cpu"}) {
        if (const Directory* directory = find_v1(controller)) return directory;
    }
    return record_.directories.empty() ? nullptr : record_.directories.data();
}

os::UniqueFd ContainerCgroup::open_members() const {
    const Directory* members = find_members();
    return members == nullptr ? os::UniqueFd() : open_directory(*members);
}

}  // namespace lxcri::cgroup
