// mount(2) of file systems on block devices, which takes CAP_SYS_ADMIN of the host; by the kernel
// here, by a program of the container in fuse.cpp.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>

#include "agent/answer.h"
#include "agent/caller.h"
#include "agent/cgroups.h"
#include "agent/fuse.h"
#include "agent/path.h"
#include "base/error.h"
#include "base/kernel_mount.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/namespace.h"

namespace lxcri::agent {

namespace {

constexpr std::size_t kLongestType = 256;

// Calls that mount no file system.
constexpr unsigned long kOtherKinds =
    MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

struct MountFlag {
    unsigned long flag;
    unsigned attribute;
};
constexpr std::array<MountFlag, 8> kFlags{{
    {MS_RDONLY, MOUNT_ATTR_RDONLY},
    {MS_NOSUID, MOUNT_ATTR_NOSUID},
    {MS_NODEV, MOUNT_ATTR_NODEV},
    {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
    {MS_NOATIME, MOUNT_ATTR_NOATIME},
    {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME},
    {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
    {MS_RELATIME, MOUNT_ATTR_RELATIME},
}};

// Its programs and devices are those of a file that the container has written.
unsigned attributes_of(unsigned long flags) {
    unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    flags &= ~static_cast<unsigned long>(MS_SILENT);
    for (const MountFlag& row : kFlags) {
        if ((flags & row.flag) == 0) continue;
        attributes |= row.attribute;
        flags &= ~row.flag;
    }
    // Others change the file system itself.
    if (flags != 0) throw SystemError(EPERM, "mount");
    return attributes;
}

void add_options(const std::string& data, const Filesystem& filesystem, os::NewFilesystem& made) {
    check_options(data, filesystem);
    for (const std::string& option : split(data, ',')) {
        if (!option.empty()) made.set_option(option);
    }
}

// The IDs on the device are those of the container.
void map_ids(int mount, int user_namespace, const std::string& type) {
    if (os::is_own_namespace(user_namespace, "user")) return;
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<__u64>(user_namespace);
    os::set_mount_attributes(mount, os::Reach::one_mount, attributes, type);
}

os::UniqueFd make_mount(const Request& request, const Filesystem& filesystem, int device,
                        const std::string& data, unsigned attributes) {
    os::NewFilesystem made(filesystem.type);
    made.set_string("source", concat("/proc/self/fd/", std::to_string(device)));
    if ((attributes & MOUNT_ATTR_RDONLY) != 0) made.set_flag("ro");
    add_options(data, filesystem, made);
    os::UniqueFd mount = made.mount(attributes);
    map_ids(mount.get(), request.user_namespace, filesystem.type);
    return mount;
}

// Root of the container could take "nosuid" and "nodev" away from a mount that has come into its
// namespace, and then open the devices that it has written to the disk. It cannot where these came
// through a mount namespace of a more privileged one: mount_namespaces(7), "locked".
os::UniqueFd lock_attributes(int mount, int user_namespace) {
    os::check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
    const os::UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    mount_attr attributes{};
    attributes.propagation = MS_PRIVATE;
    os::set_mount_attributes(root.get(), os::Reach::whole_tree, attributes, "/");
    const os::UniqueFd place = os::open_at(AT_FDCWD, "/dev", O_PATH | O_DIRECTORY);
    os::attach_mount(mount, place.get(), "/dev");
    os::check(::setns(user_namespace, CLONE_NEWUSER), "setns CLONE_NEWUSER");
    os::check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
    return os::clone_mount(AT_FDCWD, "/dev", os::Reach::one_mount);
}

// In the caller's cgroups: the disk may name other devices of the host, such as the journal of
// ext4.
os::UniqueFd make_locked_mount(const Request& request, const Filesystem& filesystem, int device,
                               const std::string& data, unsigned attributes,
                               const std::vector<os::UniqueFd>& cgroups) {
    auto made = handoff::call_in_child([&] {
        join_cgroups(cgroups);
        std::vector<os::UniqueFd> mounts;
        mounts.push_back(make_mount(request, filesystem, device, data, attributes));
        if (!os::is_own_namespace(request.user_namespace, "user")) {
            mounts.front() = lock_attributes(mounts.front().get(), request.user_namespace);
        }
        return mounts;
    });
    return std::move(made.at(0));
}

// mount(8) since util-linux 2.39 begins with it, and calls mount(2) where the kernel does not know
// it.
Answer answer_fsopen(const Request& request) {
    const Caller caller(request.listener, request.notif);
    const std::string type = caller.read_text(request.argument(0), kLongestType, EINVAL);
    if (request.policy->find_filesystem(type) == nullptr) return Answer::to_kernel();
    throw SystemError(ENOSYS, "fsopen", type);
}

MountCall read_call(const Request& request, const Caller& caller) {
    MountCall call;
    call.source = caller.read_text(request.argument(0), PATH_MAX, ENAMETOOLONG);
    call.target = caller.read_text(request.argument(1), PATH_MAX, ENAMETOOLONG);
    call.flags = static_cast<unsigned long>(request.argument(3));
    if (request.argument(4) != 0) {
        call.data = caller.read_text(request.argument(4), PATH_MAX, EINVAL);
    }
    return call;
}

}  // namespace

// Others can stop the machine ("errors=panic").
void check_options(const std::string& data, const Filesystem& filesystem) {
    for (const std::string& option : split(data, ',')) {
        const auto& known = filesystem.options;
        if (option.empty() || std::find(known.begin(), known.end(), option) != known.end()) {
            continue;
        }
        throw SystemError(EPERM, "mount");
    }
}

Answer answer_mount(const Request& request) {
    if (request.call.which == SystemCall::fsopen) return answer_fsopen(request);
    const auto flags = static_cast<unsigned long>(request.argument(3));
    if ((flags & kOtherKinds) != 0 || request.argument(2) == 0) return Answer::to_kernel();
    const Caller caller(request.listener, request.notif);
    const std::string type = caller.read_text(request.argument(2), kLongestType, EINVAL);
    const Filesystem* filesystem = request.policy->find_filesystem(type);
    if (filesystem == nullptr) return Answer::to_kernel();
    if (!caller.may(CAP_SYS_ADMIN, request.user_namespace)) return Answer::to_kernel();
    const os::UniqueFd mounts = caller.open("ns/mnt", O_RDONLY);
    // One of others, which the container only sees.
    if (os::is_own_namespace(mounts.get(), "mnt") ||
        !os::belongs_to(mounts.get(), request.user_namespace)) {
        return Answer::to_kernel();
    }
    const MountCall call = read_call(request, caller);
    if (!filesystem->fuse.empty())
        return answer_fuse_mount(caller, *filesystem, call, request.complaints);
    const unsigned attributes = attributes_of(call.flags);
    const bool read_only = (attributes & MOUNT_ATTR_RDONLY) != 0;
    const auto cgroups = open_cgroups(caller, Hierarchies::of_devices);
    const os::UniqueFd device = open_device(caller, call.source, read_only, cgroups);
    const os::UniqueFd place = find_existing(caller, call.target, LastLink::follow);
    const os::UniqueFd mount =
        make_locked_mount(request, *filesystem, device.get(), call.data, attributes, cgroups);
    os::check(::setns(mounts.get(), CLONE_NEWNS), "setns CLONE_NEWNS");
    caller.check_pending();
    os::attach_mount(mount.get(), place.get(), call.target);
    return {};
}

}  // namespace lxcri::agent
