#pragma once
// What a user that is not root of the host may do with cgroups: what was delegated to the user
// (cgroups(7), "Cgroups delegation").

#include <string>
#include <string_view>

#include "base/error.h"
#include "cgroup/layout.h"

namespace lxcri::cgroup {

// May this process make the directory `path` (from container_path()) in every hierarchy, and bring
// a process of its own in there? Always a guess: nothing is made.
bool may_make(const Layout& layout, const std::string& path);

// Does systemd manage the cgroups of this machine? sd_booted(3).
bool runs_systemd();

// The kernel did not let us make a cgroup, or have one pass controllers on: adds what helps.
void explain_refusal(SystemError& error);

// "a/b" of "a/b/c" and "a/b/d/e"; without a slash at either end.
std::string common_ancestor(std::string_view one, std::string_view other);

}  // namespace lxcri::cgroup
