#pragma once
// The options of one mount, sorted by what they are: runtime-spec config.md "Linux mount options".

#include <string>
#include <vector>

#include "handoff/plan.h"

namespace lxcri::translate {

// Fills the flags of `action`. `pointer`: of the mount, for errors. Unknown options are data for
// the filesystem. A bind mount makes no filesystem: there they are errors, because they may be
// restrictions, except a few that only say how a new filesystem begins. The words that decide the
// kind (bind, rbind) are skipped.
void sort_mount_options(const std::vector<std::string>& options, const std::string& pointer,
                        handoff::MountAction& action, std::vector<std::string>& warnings);

// The names of all options that are not data for the filesystem, sorted: for `features`.
std::vector<std::string> mount_option_names();

// bind or rbind among the options (config.md: the type does not matter then).
bool is_bind(const std::vector<std::string>& options);

}  // namespace lxcri::translate
