#pragma once
// The container whose calls come through a listener, as the runtime describes it: runtime-spec
// config-linux.md "The Container Process State".

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/policy.h"
#include "oci/agent.h"

namespace lxcri::agent {

struct ContainerState {
    std::string id;
    pid_t process = 0;  // the one with the filter: of the container, or that `exec` has added
    pid_t init = 0;     // 0: the runtime does not say
    std::vector<std::string> fds;       // what the descriptors are
    std::vector<oci::AgentCall> asked;  // by the annotation
};

// SpecError for a document that is none.
ContainerState parse_container_state(std::string_view json);

// Which of `asked` the administrator allows.
std::vector<oci::AgentCall> granted(const ContainerState& state, const Policy& policy);

}  // namespace lxcri::agent
