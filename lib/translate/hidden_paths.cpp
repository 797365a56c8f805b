// Owns:  /linux/maskedPaths, /linux/readonlyPaths
// Emits: HookPlan::masked_paths, HookPlan::readonly_paths
#include "translate/translators.h"

namespace lxcri::translate {

void translate_hidden_paths(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_) return;
    plan.hook.masked_paths = spec.linux_->masked_paths;
    plan.hook.readonly_paths = spec.linux_->readonly_paths;
}

}  // namespace lxcri::translate
