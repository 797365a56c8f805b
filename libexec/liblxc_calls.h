#pragma once
// Settings for the calls that lxcri-start answers itself (liblxc_calls.cpp; those about cgroups are
// in liblxc_cgroups.cpp).

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::libexec {

// This program, which is liblxc's monitor.
inline const pid_t kMonitor = ::getpid();
// In what liblxc makes with a copy of our memory. Its pid may be that of the monitor: it counts in
// another pid namespace.
inline bool is_copy = false;
// In the monitor itself. A process that shares its memory, and has another pid, is not.
inline bool is_monitor() {
    return !is_copy && ::getpid() == kMonitor;
}

// Before liblxc starts a container: its lxcpath, and what it gets as its command socket
// (command_socket.h).
void answer_calls(std::string lxc_path, os::UniqueFd command_socket);

// The first process that liblxc makes is born in this cgroup (version 2), in which this process is
// not.
void make_init_in(os::UniqueFd cgroup);
// With the user namespace these are joined, too, before it.
void join_before_user_namespace(std::vector<int> namespaces);
// For a kept monitor: when the container's first process has its namespaces, this process joins
// those of them (CLONE_NEW*) and tells `create`.
void join_init(int namespaces);
// Of a kept monitor whose container ends with `parent`, our parent: when that ends liblxc kills the
// container's first process, whose own parent-death signal exec and setresuid may have cleared.
void end_container_with(pid_t parent);
// From now on liblxc does not change the supplementary groups.
void keep_groups();

}  // namespace lxcri::libexec
