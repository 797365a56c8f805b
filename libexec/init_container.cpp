#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "init_steps.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"

namespace lxcri::libexec {

namespace {

// The blanks and backslashes in /proc/self/mountinfo are octal: proc_pid_mountinfo(5).
std::string unescaped(std::string_view field) {
    std::string result;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] == '\\' && i + 3 < field.size()) {
            const auto digit = [&](std::size_t at) { return field[at] - '0'; };
            result += static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3));
            i += 3;
        } else {
            result += field[i];
        }
    }
    return result;
}

std::vector<std::string> mount_points() {
    std::vector<std::string> points;
    for (const auto& line : split(os::read_file_at(AT_FDCWD, "/proc/self/mountinfo"), '\n')) {
        constexpr std::size_t kMountPoint = 4;  // field 5
        const auto fields = split(line, ' ');
        if (fields.size() > kMountPoint) points.push_back(unescaped(fields[kMountPoint]));
    }
    return points;
}

void change_propagation(const std::string& path, std::uint64_t flags) {
    os::check(::mount(nullptr, path.c_str(), nullptr, flags, nullptr), "mount propagation", path);
}

bool stays_connected(const handoff::MountPropagation& mount) {
    return std::any_of(mount.propagation.begin(), mount.propagation.end(),
                       [](std::uint64_t flags) { return (flags & (MS_SHARED | MS_SLAVE)) != 0; });
}

// Does this mount point belong to one that has asked to be shared or a slave?
bool is_connected(const std::string& point, const std::vector<handoff::MountPropagation>& mounts) {
    return std::any_of(mounts.begin(), mounts.end(), [&](const handoff::MountPropagation& mount) {
        return stays_connected(mount) && os::is_same_or_below(point, mount.destination);
    });
}

}  // namespace

void set_names(const handoff::InitPlan& plan) {
    if (!plan.hostname.empty()) {
        os::check(::sethostname(plan.hostname.data(), plan.hostname.size()),
                  "/hostname: sethostname", plan.hostname);
    }
    if (!plan.domainname.empty()) {
        os::check(::setdomainname(plan.domainname.data(), plan.domainname.size()),
                  "/domainname: setdomainname", plan.domainname);
    }
}

void restore_propagation(const handoff::InitPlan& plan) {
    const bool any_connected = std::any_of(plan.mount_propagations.begin(),
                                           plan.mount_propagations.end(), stays_connected);
    if (!any_connected) {
        const os::UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
        mount_attr attributes{};
        attributes.propagation = MS_PRIVATE;
        os::set_mount_attributes(root.get(), true, attributes, "/");
    } else {
        for (const auto& point : mount_points()) {
            if (!is_connected(point, plan.mount_propagations)) {
                change_propagation(point, MS_PRIVATE);
            }
        }
    }
    for (const auto& mount : plan.mount_propagations) {
        for (const auto flags : mount.propagation) change_propagation(mount.destination, flags);
    }
    if (plan.root_propagation != 0) change_propagation("/", plan.root_propagation);
}

void make_directory_for_cwd(const std::string& cwd) {
    std::string path;
    for (const auto& element : split(cwd, '/')) {
        if (element.empty()) continue;
        path += '/';
        path += element;
        if (::mkdir(path.c_str(), 0755) == -1 && errno != EEXIST) {
            // What is in the way, or may not be entered, shows when we change to it.
            if (errno == EROFS || errno == EACCES || errno == ENOTDIR) return;
            throw SystemError(errno, "/process/cwd: mkdir", path);
        }
    }
}

void make_root_readonly() {
    const os::UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    os::set_mount_attributes(root.get(), false, attributes, "/");
}

void remove_temporary_proc() {
    os::check(::umount2("/proc", MNT_DETACH), "umount", "/proc");
}

}  // namespace lxcri::libexec
