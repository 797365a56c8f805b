// Owns:  /process/{rlimits,oomScoreAdj,scheduler,ioPriority}
// Emits: HostPlan::limits: set from outside, where the privilege for it still is, on init when
//        nothing of ours is left to suffer from them.
#include "translate/translators.h"

namespace lxcri::translate {

void translate_limits(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.process) return;
    const auto& process = *spec.process;
    plan.host.limits = {process.rlimits, process.oom_score_adj, process.scheduler,
                        process.io_priority};
}

}  // namespace lxcri::translate
