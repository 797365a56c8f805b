#pragma once
// Annotations "org.systemd.property.NAME": properties of the container's unit, in the text format
// of GVariant, as systemd's own busctl(1) and the callers write them.

#include <string>
#include <string_view>
#include <vector>

#include "handoff/unit.h"
#include "oci/spec.h"

namespace lxcri::translate {

// In the order of their names. NAME ending in "Sec" is taken for seconds, and set as "...USec".
// SpecError for a value that is none. Whether they are allowed is for the caller to judge.
std::vector<handoff::UnitProperty> unit_properties(const oci::Spec& spec);

// Whether every container may set it; the others need an administrator who names them.
bool is_harmless_property(std::string_view name);

}  // namespace lxcri::translate
