// Owns:  /linux/seccomp, /annotations/run.oci.seccomp_fail_unknown_syscall
// Emits: ProcessPlan::{seccomp_program,seccomp_flags,seccomp_listener}, HostPlan::{listener_path,
//        listener_metadata}. Not lxc.seccomp.profile: liblxc loads it before lxcri-init runs, and
//        not at all where the runtime itself is confined (P32).
#include "seccomp/compile.h"

#include "base/strings.h"
#include "seccomp/syscalls.h"
#include "translate/crun_annotations.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

void refuse_unknown_names(const oci::Seccomp& seccomp) {
    for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
        const auto& names = seccomp.syscalls[i].names;
        for (std::size_t j = 0; j < names.size(); ++j) {
            if (seccomp::find_syscall(names[j])) continue;
            throw SpecError(
                concat("/linux/seccomp/syscalls/", std::to_string(i), "/names/", std::to_string(j)),
                concat(in_quotes(names[j]), " is no system call known here"));
        }
    }
}

}  // namespace

void translate_seccomp(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    if (!spec.linux_ || !spec.linux_->seccomp) return;
    const oci::Seccomp& asked = *spec.linux_->seccomp;
    if (is_switched_on(spec, "run.oci.seccomp_fail_unknown_syscall")) refuse_unknown_names(asked);
    seccomp::Filter filter = seccomp::compile(asked, plan.warnings);
    plan.init.process.seccomp_listener = filter.notifies();
    plan.init.process.seccomp_program = std::move(filter.program);
    plan.init.process.seccomp_flags = filter.flags;
    plan.host.listener_path = asked.listener_path.value_or("");
    plan.host.listener_metadata = asked.listener_metadata;
}

}  // namespace lxcri::translate
