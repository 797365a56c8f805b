#pragma once
// What lxcri-init does to the container, as its root, after pivot_root. Every step throws
// lxcri::Error.

#include <string>

#include "handoff/plan.h"

namespace lxcri::libexec {

void set_names(const handoff::InitPlan& plan);
// liblxc has made every mount shared (P4): puts back what was asked for, or private.
void restore_propagation(const handoff::InitPlan& plan);
void make_directory_for_cwd(const std::string& cwd);
void make_root_readonly();
void remove_temporary_proc();

}  // namespace lxcri::libexec
