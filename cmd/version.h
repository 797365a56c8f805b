#pragma once

#include <string>

namespace lxcri::cmd {

// "lxcri version X" in the first line: callers parse it.
std::string version_text();

}  // namespace lxcri::cmd
