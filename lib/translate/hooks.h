#pragma once
// The hooks of one kind, ready to run. `kind` is the key below /hooks.

#include <string_view>
#include <vector>

#include "handoff/plan.h"
#include "oci/hooks.h"

namespace lxcri::translate {

std::vector<handoff::Hook> make_hooks(const std::vector<oci::Hook>& hooks, std::string_view kind);

}  // namespace lxcri::translate
