#include "attached/root_mount.h"

#include <fcntl.h>
#include <sched.h>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/namespace.h"

namespace lxcri::attached {

namespace {

// In the mount namespace that we are in.
void remove_here(std::uint64_t id, const std::string& rootfs) {
    if (!os::has_mount(id)) return;
    const os::UniqueFd root = os::open_at(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY);
    if (os::mount_id(root.get()) != id) {
        throw Error(concat("the container's mounts on ", in_quotes(rootfs),
                           " stay: something else has been mounted on them"));
    }
    os::detach_mount(root.get(), rootfs);
}

}  // namespace

void remove_root_mount(const RootMount& mount, const std::string& rootfs) {
    if (mount.id == 0) return;
    if (mount.mount_namespace.empty()) return remove_here(mount.id, rootfs);
    os::UniqueFd there;
    try {
        there = os::open_namespace(mount.mount_namespace, CLONE_NEWNS);
    } catch (const SystemError& error) {
        if (error.code() == ENOENT) return;  // no process is in it any more
        throw;
    }
    (void)handoff::call_in_child([&] {
        os::check(::setns(there.get(), CLONE_NEWNS), "setns", "mount namespace");
        remove_here(mount.id, rootfs);
        return std::vector<os::UniqueFd>();
    });
}

}  // namespace lxcri::attached
