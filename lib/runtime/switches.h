#pragma once
// Security features that an administrator or the caller has switched off (Options).

#include <string>
#include <vector>

#include "handoff/plan.h"
#include "oci/spec.h"
#include "settings/options.h"

namespace lxcri::runtime {

// Takes out of the document what is not to be applied. One warning for each property that asked
// for it.
std::vector<std::string> switch_off(const settings::Options& options, oci::Spec& spec);
// The same with what a process would have from its container.
std::vector<std::string> switch_off(const settings::Options& options,
                                    handoff::ProcessPlan& process);

}  // namespace lxcri::runtime
