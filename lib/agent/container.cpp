#include "agent/container.h"

#include <algorithm>
#include <limits>
#include <map>

#include "oci/json_reader.h"

namespace lxcri::agent {

namespace {

void read_pid(const oci::JsonValue& json, pid_t& pid) {
    pid = static_cast<pid_t>(json.integer(1, std::numeric_limits<pid_t>::max()));
}

}  // namespace

ContainerState parse_container_state(std::string_view json) {
    const oci::JsonDocument document(json);
    const oci::JsonObject object(document.root());
    ContainerState state;
    object.required("fds", state.fds);
    const auto process = document.root().find("pid");
    if (!process) object.missing("pid");
    read_pid(*process, state.process);
    const auto container = document.root().find("state");
    if (!container) object.missing("state");
    const oci::JsonObject members(*container);
    members.required("id", state.id);
    // 0 or absent: a runtime that does not know it yet.
    if (const auto pid = container->find("pid"); pid && pid->is_set()) read_pid(*pid, state.init);
    std::map<std::string, std::string> annotations;
    members.optional("annotations", annotations);
    state.asked = oci::agent_calls(annotations);
    return state;
}

std::vector<oci::AgentCall> granted(const ContainerState& state, const Policy& policy) {
    std::vector<oci::AgentCall> calls;
    std::copy_if(state.asked.begin(), state.asked.end(), std::back_inserter(calls),
                 [&](oci::AgentCall call) { return policy.allows(call); });
    return calls;
}

}  // namespace lxcri::agent
