#pragma once
// One entry of `mounts`: runtime-spec config.md "Mounts". The order of the entries matters.

#include <optional>
#include <string>
#include <vector>

#include "oci/id_mapping.h"

namespace lxcri::oci {

struct Mount {
    std::string destination;          // in the container; as written, a relative one counts from /
    std::optional<std::string> type;  // empty is read as absent
    std::optional<std::string> source;  // as written: absolute, or relative to the bundle
    std::vector<std::string> options;   // in the order they were written
    // Both or none. They change the owners that the mount shows.
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    std::string pointer;  // what errors call it; "": its place in config.json
};

}  // namespace lxcri::oci
