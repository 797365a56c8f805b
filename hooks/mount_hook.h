#pragma once
// lxc.hook.mount: run in the new namespaces of the container, as the container's root, with the
// host's file tree still around: after the root filesystem is bound and before pivot_root.

namespace lxcri::hooks {

// Takes its plan from handoff::kChannelFd and the root filesystem from LXC_ROOTFS_MOUNT. Whatever
// fails is told to `lxcri create`, and the container does not start. The exit code.
int run_mount_hook() noexcept;

}  // namespace lxcri::hooks
