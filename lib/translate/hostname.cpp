// Owns:  /hostname, /domainname
// Emits: InitPlan::hostname, InitPlan::domainname. Not lxc.uts.name: liblxc applies it to the
//        host when the container has no UTS namespace (P29).
#include "translate/translators.h"

namespace lxcri::translate {

void translate_hostname(const oci::Spec& spec, const Host& /*host*/, Plan& plan) {
    // validate() has made sure that there is a UTS namespace to set them in.
    plan.init.hostname = spec.hostname.value_or("");
    plan.init.domainname = spec.domainname.value_or("");
}

}  // namespace lxcri::translate
