#pragma once
// What the administrator lets the agent do for containers: /etc/lxcri/agent.json.

#include <string>
#include <string_view>
#include <vector>

#include "oci/agent.h"

namespace lxcri::agent {

inline constexpr const char* kPolicyFile = "/etc/lxcri/agent.json";

// One on a block device.
struct Filesystem {
    std::string type;
    // A program of the container's image, which mounts it with FUSE: an absolute path, or a name.
    // "": the kernel reads it.
    std::string fuse;
    std::vector<std::string> options;  // what may be in the data of mount(2)
};

struct Policy {
    std::vector<oci::AgentCall> calls;  // what a container may ask for
    int most_priority = 1;              // of SCHED_FIFO and SCHED_RR
    std::vector<Filesystem> filesystems;

    bool allows(oci::AgentCall call) const;
    const Filesystem* find_filesystem(std::string_view type) const;
};

// SpecError for what the text should not have.
Policy parse_policy(std::string_view json);
// Nothing is allowed if there is no such file. Error if another user than root may write it.
Policy read_policy(const std::string& path);

}  // namespace lxcri::agent
