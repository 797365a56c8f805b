#pragma once
// The hooks of one kind, ready to run.

#include <vector>

#include "handoff/plan.h"
#include "oci/hooks.h"

namespace lxcri::translate {

std::vector<handoff::Hook> make_hooks(const std::vector<oci::Hook>& hooks, handoff::HookKind kind);

}  // namespace lxcri::translate
