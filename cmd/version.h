#pragma once

#include <string>

namespace lxcri::cmd {

// "lxcri version X" in the first line: callers parse it. The version of liblxc is that of the
// library which lxcri-start, in this directory, finds now.
std::string version_text(const std::string& libexec_dir);

}  // namespace lxcri::cmd
