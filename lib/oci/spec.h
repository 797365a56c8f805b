#pragma once
// A whole config.json: runtime-spec 1.3, what concerns Linux. Made by parse_spec(), judged by
// validate(), and never changed afterwards.
//
// In these headers a field has the JSON key in snake_case. What the document may leave out is a
// std::optional; but lists, and objects without required members, are plain and empty if left
// out. null is the same as left out.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/hooks.h"
#include "oci/linux.h"
#include "oci/mount.h"
#include "oci/process.h"
#include "oci/root.h"

namespace lxcri::oci {

struct Spec {
    std::string oci_version;
    Root root;
    std::optional<Process> process;  // create works without one, start does not
    std::vector<Mount> mounts;
    std::optional<std::string> hostname;    // empty is read as absent
    std::optional<std::string> domainname;  // empty is read as absent
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    std::optional<Linux> linux_;  // absent: all defaults
};

}  // namespace lxcri::oci
