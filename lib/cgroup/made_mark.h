#pragma once
// Which directories above containers' cgroups this runtime has made. The first container below
// "/docker" makes that directory, the last one has to remove it, and these two know nothing of each
// other: so the directory itself remembers, in an extended attribute.

#include <string>

namespace lxcri::cgroup {

// Where the filesystem has no such attributes the directory stays behind, as with other runtimes.
void mark_as_made(const std::string& dir);
bool is_marked_as_made(const std::string& dir);

}  // namespace lxcri::cgroup
