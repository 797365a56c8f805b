#include "attached/bind_mount.h"

#include <fcntl.h>

#include <string>

#include "base/error.h"
#include "base/kernel_mount.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/user_namespace.h"

namespace lxcri::attached {

void map_ids(int mount_fd, const handoff::MountAction& mount) {
    // With the privilege for any map.
    const os::UniqueFd mappings = os::make_user_namespace([&](pid_t pid) {
        const std::string proc = concat("/proc/", std::to_string(pid));
        os::write_value_at(AT_FDCWD, concat(proc, "/uid_map"), mount.uid_map);
        os::write_value_at(AT_FDCWD, concat(proc, "/gid_map"), mount.gid_map);
    });
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(mappings.get());
    try {
        os::set_mount_attributes(mount_fd, os::reach(mount.recursive_map), attributes,
                                 mount.source);
    } catch (const SystemError& error) {
        if (error.code() != EINVAL) throw;
        throw SystemError(EINVAL, "ID mappings, which the filesystem may not support, of",
                          mount.source);
    }
}

os::UniqueFd clone_bind(const handoff::MountAction& mount) {
    os::UniqueFd copy = os::clone_mount(AT_FDCWD, mount.source, os::reach(mount.recursive));
    if (!mount.uid_map.empty()) map_ids(copy.get(), mount);
    apply_attributes(copy.get(), mount);
    mount_attr attributes{};
    attributes.propagation = MS_SLAVE;
    os::set_mount_attributes(copy.get(), os::Reach::whole_tree, attributes, mount.source);
    return copy;
}

void apply_attributes(int mount_fd, const handoff::MountAction& mount) {
    mount_attr attributes{};
    attributes.attr_set = mount.set;
    attributes.attr_clr = mount.clear | mount.clear_if_allowed;
    os::set_mount_attributes(mount_fd, os::Reach::one_mount, attributes, mount.destination);
    mount_attr recursive{};
    recursive.attr_set = mount.recursive_set;
    recursive.attr_clr = mount.recursive_clear;
    os::set_mount_attributes(mount_fd, os::Reach::whole_tree, recursive, mount.destination);
}

}  // namespace lxcri::attached
