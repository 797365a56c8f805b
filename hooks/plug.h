#pragma once
// `lxcri mounts` and `lxcri devices`: adds to a running container, and takes away, as the mount
// hook does it for a new one. Here the processes of the container live and may race.

namespace lxcri::hooks {

// Takes its request (handoff/plug.h) from handoff::kChannelFd. Executes nothing, and is never in
// the container's pid namespace, but for a child that makes a procfs where the kernel is older than
// Linux 6.18. The exit code.
int run_plug() noexcept;

}  // namespace lxcri::hooks
