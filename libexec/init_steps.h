#pragma once
// What lxcri-init does, step by step: first the container, then the process. Every step throws
// lxcri::Error.

#include <string>

#include "handoff/plan.h"

namespace lxcri::libexec {

// init_container.cpp: as root of the container, after pivot_root.

void set_names(const handoff::InitPlan& plan);
void join_session_keyring(const std::string& name);
// liblxc has made every mount shared (P4): puts back what was asked for, or private.
void restore_propagation(const handoff::InitPlan& plan);
void make_directory_for_cwd(const std::string& cwd);
void make_root_readonly();
void remove_temporary_proc();
// `entrance`: tasks (version 1) or cgroup.procs (version 2) of the container's cgroup.
void enter_cgroup(int entrance, bool new_namespace);

// init_process.cpp: from root of the container to the user of the container process. Also for
// `exec`: nothing here knows of a container.

// fchown of 0-2, so that the user can reopen them through /proc/self/fd.
void give_stdio_to(std::uint32_t uid);
// Groups, user, working directory, capabilities, no_new_privs, umask; in the order that each step
// still has the privilege it needs. Without no_new_privs the seccomp filter needs CAP_SYS_ADMIN, so
// it is loaded on the way (seccomp(2)); `channel`: who gets its listener.
void become_user(const handoff::ProcessPlan& process, int channel);
// With no_new_privs the filter can come late, so that it has to allow little of what we do
// ourselves. A listener however has to be handed over while `create` is there.
bool loads_filter_late(const handoff::ProcessPlan& process);
void load_filter(const handoff::ProcessPlan& process, int channel);
// HOME from /etc/passwd where the environment has none.
void complete_environment(std::vector<std::string>& env, std::uint32_t uid);
// The program as execvp(3) would find it, with the words that callers match on when it does not.
std::string find_program(const handoff::ProcessPlan& process);

}  // namespace lxcri::libexec
