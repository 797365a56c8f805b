// Owns:  /linux/memoryPolicy
// Emits: ProcessPlan::memory_policy. lxcri-init sets it on itself: it survives execve(2).
#include "base/number_list.h"
#include "translate/translators.h"

namespace lxcri::translate {

void translate_memory_policy(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_ || !spec.linux_->memory_policy) return;
    const auto& asked = *spec.linux_->memory_policy;
    handoff::MemoryPolicy policy;
    policy.mode = static_cast<std::int32_t>(asked.mode);
    for (const auto flag : asked.flags) policy.mode |= static_cast<std::int32_t>(flag);
    // validate() has checked the list.
    if (asked.nodes) policy.nodes = parse_number_list(*asked.nodes).value();
    plan.init.process.memory_policy = std::move(policy);
}

}  // namespace lxcri::translate
