// Owns:  /process/{apparmorProfile,selinuxLabel}
// Emits: ProcessPlan::{apparmor_profile,selinux_label}. Not lxc.apparmor.profile and
//        lxc.selinux.context: those would confine lxcri-init, too.
#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

std::string label(const std::optional<std::string>& asked, bool available, std::string_view pointer,
                  std::string_view module) {
    if (!asked) return {};
    if (!available) {
        throw SpecError(std::string(pointer), concat("got ", in_quotes(*asked), ", but ", module,
                                                     " is not enabled on this host"));
    }
    return *asked;
}

}  // namespace

void translate_labels(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (!spec.process) return;
    auto& process = plan.init.process;
    const char* pointer = "/process/apparmorProfile";
    if (host.options.apparmor) {
        process.apparmor_profile =
            label(spec.process->apparmor_profile, host.apparmor, pointer, "AppArmor");
    } else if (spec.process->apparmor_profile) {
        plan.warnings.push_back(switched_off(pointer, "apparmor"));
    }
    process.selinux_label =
        label(spec.process->selinux_label, host.selinux, "/process/selinuxLabel", "SELinux");
}

}  // namespace lxcri::translate
