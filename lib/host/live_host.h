#pragma once
// The facts about this machine that translation asks for.

#include <string>

#include "cgroup/layout.h"
#include "oci/spec.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::host {

// The absolute path without symlinks of /root/path. Throws SpecError if it is not a directory.
std::string find_rootfs(const oci::Spec& spec, const std::string& bundle);

// Is the security module on? Only asked for when a process has a label of it.
bool has_apparmor();
bool has_selinux();

// Everything but the call, its root filesystem, and its place among the cgroups.
translate::Host look_at_host(const settings::Options& options, cgroup::Layout layout);
// What depends on where the container's cgroup is going to be: below the mount points; "": it has
// none, and stays where this process is.
void look_at_cgroup(const std::string& path, translate::Host& host);
// What only a system container asks for.
void look_for_system_container(translate::Host& host);

}  // namespace lxcri::host
