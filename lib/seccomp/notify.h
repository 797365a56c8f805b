#pragma once
// Hands the listener of a filter with SCMP_ACT_NOTIFY to the agent that decides: runtime-spec
// config-linux.md "The Container Process State". Done by `create` and `exec`.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "oci/state.h"

namespace lxcri::seccomp {

// The JSON document. `pid`: the process with the filter, as the runtime sees it; `exec` has
// another one here than in `state`. `metadata`: listenerMetadata.
std::string container_process_state(const oci::State& state, pid_t pid,
                                    const std::optional<std::string>& metadata);

// Connects to the socket `listener_path`, sends document and descriptor in one message (the rest of
// a very long document in further ones), closes. An agent that does not listen, or does not read
// for 10 seconds, is an error.
void send_listener(const std::string& listener_path, std::string_view document, int listener_fd);

}  // namespace lxcri::seccomp
