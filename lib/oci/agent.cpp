#include "oci/agent.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::oci {

std::vector<AgentCall> agent_calls(const std::map<std::string, std::string>& annotations) {
    const auto annotation = annotations.find(kAgentAnnotation);
    if (annotation == annotations.end()) return {};
    std::vector<AgentCall> calls;
    for (const std::string& name : split(annotation->second, ',')) {
        const auto call = value_of(kAgentCalls, name);
        if (!call) {
            throw SpecError(
                concat("/annotations/", kAgentAnnotation),
                concat("expected names out of ", names_of(kAgentCalls),
                       " with commas between them, got ", in_quotes(annotation->second)));
        }
        if (std::find(calls.begin(), calls.end(), *call) == calls.end()) calls.push_back(*call);
    }
    return calls;
}

}  // namespace lxcri::oci
