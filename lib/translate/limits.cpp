// Owns:  /process/rlimits, /process/oomScoreAdj
// Emits: HostPlan::rlimits, HostPlan::oom_score_adj: `create` sets them from outside, where it
//        still has the privilege, on init when nothing of ours is left to suffer from them.
#include "translate/translators.h"

namespace lxcri::translate {

void translate_limits(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.process) return;
    plan.host.rlimits = spec.process->rlimits;
    plan.host.oom_score_adj = spec.process->oom_score_adj;
}

}  // namespace lxcri::translate
