// Owns:  /linux/seccomp
// Emits: ProcessPlan::{seccomp_program,seccomp_flags,seccomp_listener}, HostPlan::{listener_path,
//        listener_metadata}. Not lxc.seccomp.profile: liblxc loads it before lxcri-init runs, and
//        not at all where the runtime itself is confined (P32).
#include "seccomp/compile.h"

#include "translate/translators.h"

namespace lxcri::translate {

void translate_seccomp(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_ || !spec.linux_->seccomp) return;
    const oci::Seccomp& asked = *spec.linux_->seccomp;
    seccomp::Filter filter = seccomp::compile(asked, plan.warnings);
    plan.init.process.seccomp_listener = filter.notifies();
    plan.init.process.seccomp_program = std::move(filter.program);
    plan.init.process.seccomp_flags = filter.flags;
    plan.host.listener_path = asked.listener_path.value_or("");
    plan.host.listener_metadata = asked.listener_metadata;
}

}  // namespace lxcri::translate
