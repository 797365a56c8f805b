#pragma once
// The rules that a type cannot express, within a section and across sections. Pure: what has to
// be looked up on the machine is checked where it is used.

#include <string>
#include <vector>

#include "oci/spec.h"

namespace lxcri::oci {

// Returns warnings: one line each, beginning with the JSON pointer. Throws SpecError for the first
// rule that is broken.
std::vector<std::string> validate(const Spec& spec);

// The same for the document of `exec` and of `update`.
std::vector<std::string> validate(const Process& process);
std::vector<std::string> validate(const Resources& resources);

}  // namespace lxcri::oci
