#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
#include "os/mountinfo.h"
#include "os/rooted_path.h"
#include "process_steps.h"

namespace lxcri::libexec {

namespace {

bool is_root_shared() {
    const std::string text = os::read_file_at(AT_FDCWD, "/proc/self/mountinfo");
    const auto mounts = os::parse_mount_lines(text);
    return std::any_of(mounts.begin(), mounts.end(), [](const os::MountLine& mount) {
        return mount.mount_point == "/" &&
               mount.propagation.find("shared:") != std::string_view::npos;
    });
}

void set_root_propagation(std::uint64_t flags) {
    const os::UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    mount_attr attributes{};
    attributes.propagation = flags & ~std::uint64_t{MS_REC};
    os::set_mount_attributes(root.get(), os::reach((flags & MS_REC) != 0), attributes, "/");
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

void enter_shared_mounts(int mount_namespace, int root) {
    os::check(::setns(mount_namespace, CLONE_NEWNS), "/linux/namespaces: join",
              "the mount namespace");
    change_root(root);
}

void enter_covering_root() {
    os::check(::chdir(handoff::kCoveringRoot), "chdir", "the bind mount on /");
    os::check(::syscall(SYS_pivot_root, ".", "."), "pivot_root", "the bind mount on /");
    os::check(::umount2(".", MNT_DETACH), "umount", "the covered root filesystem");
    os::check(::chdir("/"), "chdir", "/");
}

void finish_propagation(const handoff::InitPlan& plan) {
    // Where everything is private that is how it is with any liblxc.
    if (!plan.has_propagation) return set_root_propagation(MS_PRIVATE | MS_REC);
    if (is_root_shared()) {
        throw Error(
            "this liblxc makes all mounts shared in a way unknown to lxcri, so that propagation "
            "cannot be what /mounts and /linux/rootfsPropagation ask for");
    }
    if (plan.root_propagation != 0) set_root_propagation(plan.root_propagation);
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
    os::set_mount_attributes(root.get(), os::Reach::one_mount, attributes, "/");
}

void remove_temporary_proc() {
    os::check(::umount2("/proc", MNT_DETACH), "umount", "/proc");
}

void enter_cgroup(int entrance, bool new_namespace) {
    const auto written = os::retry([&] { return ::write(entrance, "0", 1); });  // this process
    os::check(written, "enter the memory cgroup");
    if (new_namespace) os::check(::unshare(CLONE_NEWCGROUP), "unshare CLONE_NEWCGROUP");
}

}  // namespace lxcri::libexec
