#pragma once
// Sets on a process, from outside, what translate::ProcessLimits says. By `create` and `exec`, when
// their helper in the container has no use for a limit or a privilege any more.

#include "os/process.h"
#include "translate/plan.h"

namespace lxcri::runtime {

// Errors name the property. Needs the privilege of the host: CAP_SYS_RESOURCE, CAP_SYS_NICE. Limits
// that a runtime without the first may not set on the process of another user, but that process on
// itself, are the result.
handoff::OwnLimits limit_process(const os::ProcessRef& process,
                                 const translate::ProcessLimits& limits);

// Sets /process/oomScoreAdj on this process, where the others have to inherit it.
void inherit_oom_score_adj(const translate::ProcessLimits& limits);

}  // namespace lxcri::runtime
