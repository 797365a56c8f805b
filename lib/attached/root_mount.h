#pragma once
// The one mount that a container leaves in a mount namespace which it shares with others: its root
// filesystem, on itself, with all its other mounts in it (hooks/shared_mounts.h). No process of the
// container takes it along when it ends.

#include <cstdint>
#include <string>

namespace lxcri::attached {

struct RootMount {
    std::uint64_t id = 0;         // of the mount; 0: the mounts are the container's alone
    std::string mount_namespace;  // its path; "": the one that `create` was in
};

// Unmounts it, if it still exists. `rootfs`: its path. Throws Error if another mount covers it.
void remove_root_mount(const RootMount& mount, const std::string& rootfs);

}  // namespace lxcri::attached
