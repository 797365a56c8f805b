#pragma once
// The messages about a new process that lxcri-init and lxcri-exec both send, and the answers to
// them.

#include <optional>
#include <string>

#include "attached/caller_socket.h"
#include "handoff/channel.h"
#include "oci/state.h"
#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::runtime {

// Terminal: its master goes to the caller's socket; without one it is the result, for a relay, and
// has the size of our own terminal unless the process has asked for one (`sized`).
os::UniqueFd take_terminal(handoff::Received message,
                           const std::optional<attached::CallerSocket>& socket, bool sized);

// Who decides about the system calls of a process: /linux/seccomp.
struct SeccompAgent {
    std::string path;
    std::optional<std::string> metadata;
};

// Listener: the agent gets it, with the state of the container, and the helper may go on: it waits
// for that, because the agent has to have it before the program is executed.
void pass_listener(int channel, const handoff::Received& message, const os::ProcessRef& process,
                   const oci::State& state, const SeccompAgent& agent);

}  // namespace lxcri::runtime
