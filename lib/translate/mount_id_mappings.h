#pragma once
// The ID mappings of one mount.

#include <string>
#include <string_view>

#include "translate/plan.h"

namespace lxcri::translate {

// idmap or ridmap, with or without mappings of its own behind it.
bool is_id_map_option(std::string_view option);

// Fills uid_map, gid_map and recursive_map of `action`, the mount at `pointer`.
void map_ids(const oci::Spec& spec, const Host& host, const oci::Mount& mount,
             const std::string& pointer, handoff::MountAction& action);

}  // namespace lxcri::translate
