#pragma once
// exec.plan in the container directory: what `create` has decided that `exec` needs again. Written
// so that `exec` has neither to read config.json nor to compile the seccomp profile.

#include <optional>
#include <string>

#include "handoff/plan.h"
#include "translate/plan.h"

namespace lxcri::runtime {

struct ExecDefaults {
    // The container process: its capabilities, labels, keyring, filter, memory policy, personality
    // are those of a process that `exec` adds.
    handoff::ProcessPlan process;
    std::string listener_path;  // of the seccomp agent; "": none
    bool has_listener_metadata = false;
    std::string listener_metadata;
};

ExecDefaults make_exec_defaults(const translate::Plan& plan);
void write_exec_defaults(int directory_fd, const ExecDefaults& defaults);
// Nothing when there are none of this version of lxcri.
std::optional<ExecDefaults> find_exec_defaults(int directory_fd);

}  // namespace lxcri::runtime
