// Owns:  /linux/netDevices
// Emits: HostPlan::net_devices, HookPlan::net_devices
#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

void translate_net_devices(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (!spec.linux_ || spec.linux_->net_devices.empty()) return;
    const std::string map = "/linux/netDevices";
    if (!host.privileged) {
        throw SpecError(map, "only root can move network devices to another namespace");
    }
    for (const auto& [name, device] : spec.linux_->net_devices) {
        const std::string pointer = oci::at_key(map, name);
        plan.host.net_devices.push_back({pointer, device.name ? concat(pointer, "/name") : pointer,
                                         name, device.name.value_or(name)});
    }
    plan.hook.net_devices = true;
}

}  // namespace lxcri::translate
