#pragma once
// The annotations run.oci.*, which callers set for crun: crun(1), "Extensions to OCI". They stand
// for flags and properties that the specification does not have, so none is ignored: each is
// applied or refused.

#include <string>
#include <string_view>

#include "oci/spec.h"

namespace lxcri::translate {

// Given, and not as "0".
bool is_switched_on(const oci::Spec& spec, const std::string& annotation);

// The files to which OCI hooks write; "": their output is kept for the error text.
struct HookFiles {
    std::string out;
    std::string err;
};
HookFiles hook_files(const oci::Spec& spec);

// The directory below systemd's scope that is the container's.
std::string systemd_subgroup(const oci::Spec& spec);

}  // namespace lxcri::translate
