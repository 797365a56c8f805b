#pragma once
// The system call filter of a program that the agent starts in a container. The container's own
// filter cannot be taken: the kernel hands on a filter to children alone.

#include <string>

namespace lxcri::agent {

// For seccomp::load().
std::string make_program_filter();

}  // namespace lxcri::agent
