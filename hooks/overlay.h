#pragma once
// Overlays with so many layers that their names fit into no call of mount(2).

#include <cstdint>
#include <string>

#include "handoff/plan.h"
#include "os/unique_fd.h"

namespace lxcri::hooks {

// The option for the one text that mount(2) takes: a comma in it gets a backslash, which overlay
// removes.
std::string escape_commas(const std::string& option);

// fsconfig(2) with one call for each layer, which Linux knows since 6.7.
os::UniqueFd make_overlay_layer_by_layer(const handoff::MountAction& action,
                                         std::uint64_t attributes);

}  // namespace lxcri::hooks
