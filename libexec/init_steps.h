#pragma once
// What lxcri-init does to the container, as its root, after pivot_root. Every step throws
// lxcri::Error.

#include <string>

#include "handoff/plan.h"

namespace lxcri::libexec {

// Leaves the mount namespace that liblxc has made, which ends with that, for `mount_namespace`, and
// makes `root` there the root.
void enter_shared_mounts(int mount_namespace, int root);
void set_names(const handoff::InitPlan& plan);
// The mount hook has given each mount its propagation; what is left is that of the root.
void finish_propagation(const handoff::InitPlan& plan);
void make_directory_for_cwd(const std::string& cwd);
void make_root_readonly();
void remove_temporary_proc();
// `entrance`: tasks (version 1) or cgroup.procs (version 2) of the container's cgroup.
void enter_cgroup(int entrance, bool new_namespace);

}  // namespace lxcri::libexec
