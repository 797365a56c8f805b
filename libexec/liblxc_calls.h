#pragma once
// Settings for the calls that lxcri-start answers itself (liblxc_calls.cpp; those about cgroups are
// in liblxc_cgroups.cpp).

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::libexec {

// This program, which is liblxc's monitor. What liblxc forks has another pid.
inline const pid_t kMonitor = ::getpid();

// Before liblxc starts a container: its lxcpath, and what it gets as its command socket
// (command_socket.h).
void answer_calls(std::string lxc_path, os::UniqueFd command_socket);

// The first process that liblxc makes is born in this cgroup (version 2), in which this process is
// not.
void make_init_in(os::UniqueFd cgroup);
// With the user namespace these are joined, too, before it.
void join_before_user_namespace(std::vector<int> namespaces);
// From now on liblxc does not change the supplementary groups.
void keep_groups();

}  // namespace lxcri::libexec
