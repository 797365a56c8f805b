#pragma once
// What this process must not do itself, because there would be no way back: entering another user
// or mount namespace.

#include <functional>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::handoff {

// Calls `action` in a process of its own, and returns what it has opened. Throws what it throws (as
// Error), and when the process dies.
std::vector<os::UniqueFd> call_in_child(const std::function<std::vector<os::UniqueFd>()>& action);

}  // namespace lxcri::handoff
