#pragma once
// runtime-spec config-linux.md "Masked Paths" and "Readonly Paths". Paths that do not exist are
// skipped, as every runtime does; every other failure is an error.

#include <string>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::hooks {

// `dev_null`: a detached mount of the host's /dev/null, made by `create`: a node of that name in
// the image could be anything (CVE-2025-31133). `label`: SELinux's, of the empty directories.
void mask_paths(int rootfs_fd, const std::vector<std::string>& paths, os::UniqueFd dev_null,
                const std::string& label);

void make_paths_readonly(int rootfs_fd, const std::vector<std::string>& paths);

}  // namespace lxcri::hooks
