#pragma once
// A container whose mount namespace is not its own: the runtime's, or one that it joins
// (config-linux.md "Namespaces").

#include <string>

#include "os/unique_fd.h"

namespace lxcri::hooks {

// Enters the namespace (setns(2)) and covers the directory `rootfs`, as it is called there, with a
// private copy of itself, on which all mounts of the container are made: nothing of it propagates,
// and one umount removes it all. Tells `create` before it attaches the copy, so that `create` can
// always undo it. Returns the root of the copy.
os::UniqueFd enter_shared_mounts(int mount_namespace, const std::string& rootfs);

}  // namespace lxcri::hooks
