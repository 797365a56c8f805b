#pragma once
// runtime-spec config-linux.md "Sysctl".

#include <vector>

#include "handoff/plan.h"

namespace lxcri::hooks {

// Written through a procfs of our own, which no image and no mount of the bundle can have forged.
void write_sysctls(const std::vector<handoff::Sysctl>& sysctls);

}  // namespace lxcri::hooks
