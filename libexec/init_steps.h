#pragma once
// What lxcri-init does to the container, as its root, after pivot_root. Every step throws
// lxcri::Error.

#include <string>

#include "handoff/plan.h"

namespace lxcri::libexec {

// Leaves the mount namespace that liblxc has made, which ends with that, for `mount_namespace`, and
// makes `root` there the root.
void enter_shared_mounts(int mount_namespace, int root);
// Makes the bind mount on "/" the root, and takes away what it covers.
void enter_covering_root();
void set_names(const handoff::InitPlan& plan);
// The mount hook has given each mount its propagation; what is left is that of the root.
void finish_propagation(const handoff::InitPlan& plan);
void make_directory_for_cwd(const std::string& cwd);
void make_root_readonly();
void remove_temporary_proc();
// Makes a created container end on a signal that would end another process: the kernel does not
// deliver signals without a handler to pid 1 (pid_namespaces(7)), and callers that remove a
// container would wait in vain. The exec gives the container process the default dispositions back.
void end_on_signals();
// `entrance`: tasks (version 1) or cgroup.procs (version 2) of the container's cgroup.
void enter_cgroup(int entrance, bool new_namespace);

}  // namespace lxcri::libexec
