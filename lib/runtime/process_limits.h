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

// Without the host's privilege the file of a process that is not dumpable is out of reach: sets
// /process/oomScoreAdj on this process, from which the others inherit it, and takes it off
// `limits`.
void inherit_oom_score_adj(translate::ProcessLimits& limits);

}  // namespace lxcri::runtime
