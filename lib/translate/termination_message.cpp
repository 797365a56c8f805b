// Owns:  /annotations/io.kubernetes.container.terminationMessagePath
// Emits: InitPlan::termination_message_path
#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

void translate_termination_message(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    constexpr const char* kKey = "io.kubernetes.container.terminationMessagePath";
    const auto found = spec.annotations.find(kKey);
    if (found == spec.annotations.end() || found->second.empty()) return;
    if (!found->second.starts_with('/')) {
        oci::reject(concat("/annotations/", kKey), in_quotes(found->second), "an absolute path");
    }
    plan.init.termination_message_path = found->second;
}

}  // namespace lxcri::translate
