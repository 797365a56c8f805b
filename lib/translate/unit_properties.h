#pragma once
// Annotations "org.systemd.property.NAME": properties of the container's unit, in the text format
// of GVariant, as systemd's own busctl(1) and the callers write them.

#include <string>
#include <string_view>
#include <vector>

#include "handoff/unit.h"
#include "oci/spec.h"

namespace lxcri::translate {

// In the order of their names. A NAME that ends in "Sec" has seconds, and is set as "...USec".
// Throws SpecError for a wrong value. The caller judges whether the properties are allowed.
std::vector<handoff::UnitProperty> unit_properties(const oci::Spec& spec);

// May every container set it? For all others an administrator must name them.
bool is_harmless_property(std::string_view name);

}  // namespace lxcri::translate
