#pragma once
// Runs code in a child that enters another user or mount namespace: this process could not come
// back from there.

#include <functional>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::handoff {

// Calls `action` in a process of its own, and returns what it has opened. Throws what it throws (as
// Error), and when the process dies.
std::vector<os::UniqueFd> call_in_child(const std::function<std::vector<os::UniqueFd>()>& action);

}  // namespace lxcri::handoff
