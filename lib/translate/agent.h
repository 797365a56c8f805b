#pragma once
// The system calls that a container asks lxcri-agent for, as rules of its filter.

#include <optional>

#include "oci/spec.h"
#include "translate/plan.h"

namespace lxcri::translate {

// The filter that config.json asks for, with the rules for lxcri-agent if the annotation names
// calls. Nullopt if there is no filter. SpecError if the two contradict each other.
std::optional<oci::Seccomp> filter_with_agent(const oci::Spec& spec, const Host& host);

}  // namespace lxcri::translate
