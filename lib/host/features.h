#pragma once
// What `lxcri features` prints: runtime-spec features.md and features-linux.md. Not what this
// machine can do but what config.json may contain, which is the same on every host; and versions.

#include <string>

namespace lxcri::host {

// Indented JSON. `liblxc`: the version of the one that containers are started with.
std::string features_json(const std::string& liblxc);

}  // namespace lxcri::host
