#pragma once
// The monitor that a container with `monitor = keep` has as long as it runs.

#include <string>

#include "os/process.h"
#include "settings/options.h"

namespace lxcri::helpers {

enum class Processes { frozen, thawed };

// So that the tools of LXC report it. Throws Error if the monitor is not told within 10 seconds.
void tell_kept_monitor(const settings::Options& options, const std::string& id,
                       const os::ProcessRef& monitor, Processes processes);

}  // namespace lxcri::helpers
