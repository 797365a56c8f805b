// Owns:  /linux/personality
// Emits: ProcessPlan::personality. Not lxc.arch: that would also be lxcri-init's.
#include "translate/translators.h"

namespace lxcri::translate {

void translate_personality(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_ || !spec.linux_->personality) return;
    plan.init.process.personality = static_cast<std::uint32_t>(spec.linux_->personality->domain);
}

}  // namespace lxcri::translate
