#include "shared_mounts.h"

#include <fcntl.h>
#include <sched.h>

#include <array>

#include "base/error.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"

namespace lxcri::hooks {

using handoff::MessageKind;

os::UniqueFd enter_shared_mounts(int mount_namespace, const std::string& rootfs) {
    os::check(::setns(mount_namespace, CLONE_NEWNS), "/linux/namespaces: join",
              "the mount namespace");
    return in_context("/root/path", [&] {
        const os::UniqueFd covered = os::open_at(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY);
        os::UniqueFd root = os::clone_mount(covered.get(), {}, os::Reach::whole_tree);
        const std::array fds{root.get()};
        handoff::send(handoff::kChannelFd, MessageKind::root_mount, {}, fds);
        (void)handoff::expect(handoff::kChannelFd, MessageKind::root_mount_recorded);
        os::attach_mount(root.get(), covered.get(), rootfs);
        return root;
    });
}

}  // namespace lxcri::hooks
