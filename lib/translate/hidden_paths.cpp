// Owns:  /linux/maskedPaths, /linux/readonlyPaths
// Emits: HookPlan::masked_paths, HookPlan::readonly_paths, InitPlan::readonly_root
#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

void translate_hidden_paths(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_) return;
    const auto& masked = spec.linux_->masked_paths;
    for (std::size_t i = 0; i < masked.size(); ++i) {
        if (normalized_path(masked[i]) != "/") continue;
        throw SpecError(concat("/linux/maskedPaths/", std::to_string(i)),
                        "\"/\" is the root of the container");
    }
    // What is put on "/" covers nothing: the root is made read-only itself.
    for (const auto& path : spec.linux_->readonly_paths) {
        plan.init.readonly_root |= normalized_path(path) == "/";
    }
    plan.hook.masked_paths = spec.linux_->masked_paths;
    plan.hook.readonly_paths = spec.linux_->readonly_paths;
}

}  // namespace lxcri::translate
