#pragma once
// The facts about this machine that translation asks for.

#include <string>

#include "cgroup/layout.h"
#include "oci/spec.h"
#include "settings/options.h"
#include "translate/plan.h"

namespace lxcri::host {

// The absolute path without symlinks of /root/path. SpecError when it is no directory.
std::string find_rootfs(const oci::Spec& spec, const std::string& bundle);

// Is the security module on? Only asked for when a process has a label of it.
bool has_apparmor();
bool has_selinux();

// Everything but the identity of the container (id, bundle, rootfs) and the options of the call.
// `cgroup_path`: of the container, below the mount points; empty: it has no cgroup, and stays where
// this process is.
translate::Host look_at_host(const settings::Options& options, const cgroup::Layout& layout,
                             const std::string& cgroup_path);

}  // namespace lxcri::host
