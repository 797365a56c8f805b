#pragma once
// The annotation by which a container asks lxcri-agent (docs/lxcri-agent.8) to carry out system
// calls that the kernel refuses to it. Read by the runtime, which adds rules to the filter, and by
// the agent, which so serves other runtimes too.

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_table.h"

namespace lxcri::oci {

inline constexpr const char* kAgentAnnotation = "org.linuxcontainers.lxcri.agent";

// Each is a family: mknod is also mknodat.
enum class AgentCall { mknod, setxattr, sysinfo, mount, sched_setscheduler };

inline constexpr std::array<Named<AgentCall>, 5> kAgentCalls{{
    {"mknod", AgentCall::mknod},
    {"setxattr", AgentCall::setxattr},
    {"sysinfo", AgentCall::sysinfo},
    {"mount", AgentCall::mount},
    {"sched_setscheduler", AgentCall::sched_setscheduler},
}};

// From "mknod,setxattr"; none without the annotation. SpecError.
std::vector<AgentCall> agent_calls(const std::map<std::string, std::string>& annotations);

}  // namespace lxcri::oci
