// Owns:  /linux/seccomp, /annotations/run.oci.seccomp_fail_unknown_syscall
// Emits: ProcessPlan::{seccomp_program,seccomp_flags,seccomp_listener,filter_loading},
//        HostPlan::{listener_path,listener_metadata}. Not lxc.seccomp.profile: liblxc loads it
//        before lxcri-init runs, and not at all where the runtime itself is confined (P32).
#include "seccomp/compile.h"

#include "base/strings.h"
#include "seccomp/syscalls.h"
#include "translate/agent.h"
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
                concat(in_quotes(names[j]), " is not a known system call"));
        }
    }
}

}  // namespace

handoff::FilterLoading filter_loading(const handoff::ProcessPlan& process) {
    using handoff::FilterLoading;
    if (process.seccomp_program.empty()) return FilterLoading::none;
    if (!process.no_new_privileges) return FilterLoading::as_root;
    return process.seccomp_listener ? FilterLoading::before_ready : FilterLoading::last;
}

void translate_seccomp(const oci::Spec& spec, const Host& host, Plan& plan) {
    const std::optional<oci::Seccomp> asked = filter_with_agent(spec, host);
    if (!asked) return;
    if (!host.options.seccomp) {
        plan.warnings.push_back(switched_off("/linux/seccomp", "seccomp"));
        return;
    }
    if (is_switched_on(spec, "run.oci.seccomp_fail_unknown_syscall")) refuse_unknown_names(*asked);
    seccomp::Filter filter = seccomp::compile(*asked, plan.warnings);
    plan.init.process.seccomp_listener = filter.notifies();
    plan.init.process.seccomp_program = std::move(filter.program);
    plan.init.process.seccomp_flags = filter.flags;
    plan.init.process.filter_loading = filter_loading(plan.init.process);
    plan.host.listener_path = asked->listener_path.value_or("");
    plan.host.listener_metadata = asked->listener_metadata;
}

}  // namespace lxcri::translate
