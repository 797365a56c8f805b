#pragma once
// What a user that is not root of the host may do with cgroups: what was delegated to the user
// (cgroups(7), "Cgroups delegation").

#include <string>
#include <string_view>

#include "cgroup/layout.h"

namespace lxcri::cgroup {

// May this process make the directory `path` (from container_path()) in every hierarchy, and bring
// a process of its own in there? Always a guess: nothing is made.
bool may_make(const Layout& layout, const std::string& path);

// "a/b" of "a/b/c" and "a/b/d/e"; without a slash at either end.
std::string common_ancestor(std::string_view one, std::string_view other);

}  // namespace lxcri::cgroup
