#pragma once
// Device nodes that belong to the users of a container with a user namespace. Only root of the host
// can make them: mknod(2).

#include <vector>

#include "os/unique_fd.h"
#include "translate/plan.h"

namespace lxcri::attached {

// A tmpfs that is attached nowhere yet, with one node for each device. Their names are "0", "1" and
// so on, in the order of `devices`: /dev/a/x and /dev/b/x are two. Errors name the device's
// pointer.
os::UniqueFd make_devices(const std::vector<translate::OuterDevice>& devices);

}  // namespace lxcri::attached
