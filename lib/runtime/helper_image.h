#pragma once
// The programs of ours that can be seen in the container (/proc/PID/exe).

#include <string>

#include "os/unique_fd.h"

namespace lxcri::runtime {

// `path` as something that nobody in the container can change (CVE-2019-5736): a read-only mount
// that is attached nowhere. Where mounting is not allowed, a sealed copy in memory, or the file
// itself where this user may neither read nor write it. To be executed with execveat(2).
os::UniqueFd open_helper_image(const std::string& path);

}  // namespace lxcri::runtime
