// ContainerCgroup::remove().

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/container_cgroup.h"
#include "cgroup/marks.h"
#include "cgroup/process_watch.h"
#include "cgroup/tree.h"
#include "os/check.h"

namespace lxcri::cgroup {

namespace {

bool is_gone(int error) {
    return error == ENOENT || error == ENODEV;
}

std::string describe_processes(const std::vector<pid_t>& pids) {
    if (pids.empty()) return "it is busy, but has no process that can be seen";
    constexpr std::size_t kMost = 5;
    std::string text = "it has processes:";
    for (std::size_t i = 0; i < pids.size() && i < kMost; ++i) {
        text += concat(" ", std::to_string(pids[i]));
    }
    return pids.size() > kMost ? text + " ..." : text;
}

void kill_all(int dir_fd) {
    constexpr std::size_t kMost = 100;  // the others when it is tried again
    for (const ProcessHandle& handle : open_handles(read_all_processes(dir_fd), kMost)) {
        (void)::syscall(SYS_pidfd_send_signal, handle.pidfd.get(), SIGKILL, nullptr, 0);
    }
}

void remove_directory(const std::string& path, int dir_fd, Deadline deadline, Leftovers leftovers) {
    while (true) {
        int error = try_remove_subdirectories(dir_fd, deadline);
        if (error == 0 || is_gone(error)) error = ::rmdir(path.c_str()) == 0 ? 0 : errno;
        if (error == 0 || is_gone(error)) return;
        if (error != EBUSY && error != ENOTEMPTY && error != ETIMEDOUT) {
            throw SystemError(error, "rmdir", path);
        }
        ProcessWatch watch(dir_fd);
        const bool has_processes = watch.any();
        if (has_processes && leftovers == Leftovers::kill) kill_all(dir_fd);
        // Busy without a process: one is on its last steps, or a directory came just now.
        const bool go_on = has_processes ? watch.wait(deadline) : wait_unannounced(deadline);
        if (!go_on || os::Clock::now() >= deadline) {
            throw Error(concat("the cgroup ", in_quotes(path), " cannot be removed: ",
                               describe_processes(read_all_processes(dir_fd))));
        }
    }
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

// Not a later cgroup of the same name.
bool is_same(const Directory& directory) {
    struct stat info {};
    return directory.inode == 0 ||
           (::stat(directory.path.c_str(), &info) == 0 && info.st_ino == directory.inode);
}

// To be made by a `create` that may have been killed before it could mark it.
bool is_planned(const Directory& directory, const std::string& path) {
    return !directory.first_missing.empty() && path.size() >= directory.first_missing.size();
}

// Those above it that create() has made, for this container or for another, as far as they are
// empty.
void remove_parents(const Directory& directory) {
    std::string path = directory.path;
    while (true) {
        path.resize(path.rfind('/'));
        if (path.size() <= directory.mount_point.size()) return;
        const bool is_made = is_marked_as_made(path) || is_planned(directory, path);
        // One that has gone already does not say what is above it.
        if (!is_made && exists(path)) return;
        if (!is_made || ::rmdir(path.c_str()) == 0 || is_gone(errno)) continue;
        if (errno == EBUSY || errno == ENOTEMPTY) return;                 // others are in it
        if (errno == EACCES || errno == EPERM || errno == EROFS) return;  // and it is theirs
        throw SystemError(errno, "rmdir", path);
    }
}

void remove_with_parents(const Directory& directory, const ContainerCgroup& cgroup,
                         Deadline deadline, Leftovers leftovers) {
    // Nearly always nothing is in it any more.
    const bool removed = is_same(directory) && ::rmdir(directory.path.c_str()) == 0;
    if (!removed) {
        const os::UniqueFd dir = cgroup.open_directory(directory);
        if (dir.valid()) remove_directory(directory.path, dir.get(), deadline, leftovers);
    }
    remove_parents(directory);
}

}  // namespace

void ContainerCgroup::remove(os::Deadline deadline, Leftovers leftovers) const {
    std::optional<Error> first;
    for (const Directory& directory : record_.directories) {
        try {
            remove_with_parents(directory, *this, deadline, leftovers);
        } catch (const Error& error) {
            if (first) {
                first->add_consequence(error.what());
            } else {
                first = error;
            }
        }
    }
    if (first) throw Error(*first);
}

}  // namespace lxcri::cgroup
