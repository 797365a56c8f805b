// Owns:  /process/{rlimits,oomScoreAdj,scheduler,ioPriority,execCPUAffinity}
// Emits: HostPlan::{limits,exec_cpus}: limits are set from outside, where the privilege for it
// still is, on init when
//        nothing of ours is left to suffer from them.
#include "translate/translators.h"

namespace lxcri::translate {

void translate_limits(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (!spec.process) return;
    const auto& process = *spec.process;
    auto& limits = plan.host.limits;
    limits.rlimits = process.rlimits;
    limits.oom_score_adj = process.oom_score_adj;
    limits.inherits_oom_score_adj = process.oom_score_adj && !host.privileged;
    limits.scheduler = process.scheduler;
    limits.io_priority = process.io_priority;
    plan.host.exec_cpus = process.exec_cpu_affinity;
}

}  // namespace lxcri::translate
