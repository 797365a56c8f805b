#pragma once
// Starts a program of the container's image for a caller: as the caller would start it, never as
// the agent.

#include <optional>
#include <string>
#include <vector>

#include "agent/caller.h"
#include "os/process.h"

namespace lxcri::agent {

// The program has what the caller has: root filesystem, current directory, all namespaces, cgroups,
// IDs, capabilities, resource limits and OOM score; also no_new_privs, and the filter of
// program_filter.h instead of the caller's, which the kernel gives to no one. Of the agent it has
// nothing: no descriptor, environment, terminal or keyring. It ends with this process.
//
// `name`: an absolute path, or the name of a file in one of the usual directories. Returns nullopt
// if there is no such file. Waits for the end of the program; what it has left behind is a process
// of the container. `held`: a descriptor that stays open while a process of the agent's is at work
// here. Error if a security module confines the caller: it would not confine the
// program.
std::optional<os::ExitStatus> run_as_caller(const Caller& caller, const std::string& name,
                                            const std::vector<std::string>& arguments, int held);

}  // namespace lxcri::agent
