#pragma once
// What `lxcri features` prints: runtime-spec features.md and features-linux.md. The same on every
// host: what config.json may contain, not what this machine can do.

#include <string>

namespace lxcri::runtime {

// Indented JSON.
std::string features_json();

}  // namespace lxcri::runtime
