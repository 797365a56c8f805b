#include "runtime/mount_source.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "attached/bind_mount.h"
#include "base/error.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/user_namespace.h"

namespace lxcri::runtime {

using translate::MountSource;

namespace {

// What belongs to the host has the host's owner and mode.
void check_host_device(int fd, const translate::OuterDevice& device) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat", device.path);
    const auto check = [&](const char* member, std::optional<std::uint32_t> asked,
                           std::uint32_t found, const std::string& text) {
        if (!asked || *asked == found) return;
        throw SpecError(concat(device.pointer, "/", member),
                        concat("cannot be applied: ", in_quotes(device.path),
                               " is the host's device, which has ", text));
    };
    const mode_t mode = status.st_mode & 07777U;
    check("fileMode", device.mode, mode, concat("the mode ", std::to_string(mode)));
    check("uid", device.uid, status.st_uid, concat("the user ", std::to_string(status.st_uid)));
    check("gid", device.gid, status.st_gid, concat("the group ", std::to_string(status.st_gid)));
}

}  // namespace

bool is_device(int fd, handoff::NodeType type, std::uint32_t major, std::uint32_t minor) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat");
    const mode_t wanted = type == handoff::NodeType::block ? S_IFBLK : S_IFCHR;
    return (status.st_mode & S_IFMT) == wanted && status.st_rdev == ::makedev(major, minor);
}

const handoff::MountAction* MountSources::mount_of(const MountSource& source) const {
    return source.mount ? &plan_.hook.mounts.at(*source.mount) : nullptr;
}

// For open_tree(2).
unsigned int MountSources::flags_of(const MountSource& source) const {
    const auto* mount = mount_of(source);
    return mount != nullptr && mount->source_nofollow ? AT_SYMLINK_NOFOLLOW : 0U;
}

// In a user namespace of its own a process gets all mounts below one, or none: alone it would show
// what they cover (mount_namespaces(7), "locked"). The kernel says EINVAL then.
os::UniqueFd MountSources::clone_alone(const MountSource& source) const {
    try {
        return os::clone_mount(AT_FDCWD, source.path, os::Reach::one_mount, flags_of(source));
    } catch (const SystemError& error) {
        if (error.code() != EINVAL) throw;
    }
    os::UniqueFd all =
        os::clone_mount(AT_FDCWD, source.path, os::Reach::whole_tree, flags_of(source));
    const auto* mount = mount_of(source);
    if (mount == nullptr || !mount->takes_mounts_below) {
        throw Error(concat("the mounts below ", in_quotes(source.path),
                           " cannot be left out in a user namespace: the option \"rbind\" takes "
                           "them along"));
    }
    // The mounts below are not asked for, so they get no more rights.
    mount_attr attributes{};
    attributes.attr_set = mount->set;
    os::set_mount_attributes(all.get(), os::Reach::whole_tree, attributes, source.path);
    return all;
}

os::UniqueFd MountSources::clone_source(const MountSource& source) const {
    const auto* device = source.device ? &plan_.host.devices.at(*source.device) : nullptr;
    os::UniqueFd copy = in_context(source.pointer, [&] {
        // In the runtime's mount namespace: only here is a copy of a shared mount its peer (P5),
        // and only here are all the paths open to us.
        os::UniqueFd mount =
            source.recursive
                ? os::clone_mount(AT_FDCWD, source.path, os::Reach::whole_tree, flags_of(source))
                : clone_alone(source);
        if (device != nullptr &&
            !is_device(mount.get(), device->type, device->major, device->minor)) {
            throw Error(concat(in_quotes(source.path), " of the host is another device"));
        }
        const auto* action = mount_of(source);
        if (action != nullptr && !action->uid_map.empty()) attached::map_ids(mount.get(), *action);
        return mount;
    });
    if (device != nullptr) check_host_device(copy.get(), *device);
    return copy;
}

// In the namespace that it shows. The mount hook gives it its attributes.
os::UniqueFd MountSources::make_filesystem(const MountSource& source) const {
    const auto& shown = *source.shown;
    const handoff::MountAction& mount = *mount_of(source);
    const auto make = [&] {
        os::NewFilesystem filesystem(mount.type);
        filesystem.set_string("source", mount.source);
        for (const auto& flag : mount.flags) filesystem.set_flag(flag);
        for (const auto& option : mount.data) filesystem.set_option(option);
        std::vector<os::UniqueFd> made;
        made.push_back(filesystem.mount(0));
        return made;
    };
    const auto entered = [&] {
        // Those who are in the namespace may see this process: ptrace(2).
        os::check(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl PR_SET_DUMPABLE");
        const auto fd = os::open_namespace(shown.path, shown.clone_flag);
        os::check(::setns(fd.get(), shown.clone_flag), "setns", shown.path);
        // Of a pid namespace the children are in it: pid_namespaces(7).
        return shown.clone_flag == CLONE_NEWPID ? handoff::call_in_child(make) : make();
    };
    return in_context(mount.pointer,
                      [&] { return std::move(handoff::call_in_child(entered).at(0)); });
}

os::UniqueFd MountSources::open(const MountSource& source) const {
    return source.shown ? make_filesystem(source) : clone_source(source);
}

}  // namespace lxcri::runtime
