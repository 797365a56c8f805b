#include "runtime/switches.h"

#include <sys/prctl.h>

#include "base/strings.h"
#include "oci/names.h"

namespace lxcri::runtime {

namespace {

std::string warning(std::string_view pointer, std::string_view setting) {
    return concat(pointer, ": not applied, ", setting, " is false");
}

// Those that we may have: what cannot be granted would be a warning for each.
oci::Capabilities every_capability() {
    oci::Capabilities sets;
    for (const auto& capability : oci::kCapabilities) {
        if (::prctl(PR_CAPBSET_READ, capability.value, 0, 0, 0) != 1) continue;
        for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted}) {
            set->emplace_back(capability.name);
        }
    }
    return sets;
}

}  // namespace

std::vector<std::string> switch_off(const settings::Options& options, oci::Spec& spec) {
    std::vector<std::string> warnings;
    if (!options.apparmor && spec.process && spec.process->apparmor_profile) {
        spec.process->apparmor_profile.reset();
        warnings.push_back(warning("/process/apparmorProfile", "apparmor"));
    }
    if (!options.capabilities && spec.process) {
        spec.process->capabilities = every_capability();
        warnings.push_back(warning("/process/capabilities", "capabilities"));
    }
    if (!options.seccomp && spec.linux_ && spec.linux_->seccomp) {
        spec.linux_->seccomp.reset();
        warnings.push_back(warning("/linux/seccomp", "seccomp"));
    }
    if (!options.cgroup_devices && spec.linux_) {
        if (!spec.linux_->resources) spec.linux_->resources.emplace();
        spec.linux_->resources->devices = {{true, oci::DeviceRuleType::all, {}, {}, "rwm"}};
        warnings.push_back(warning("/linux/resources/devices", "cgroupDevices"));
    }
    return warnings;
}

std::vector<std::string> switch_off(const settings::Options& options,
                                    handoff::ProcessPlan& process) {
    std::vector<std::string> warnings;
    if (!options.apparmor && !process.apparmor_profile.empty()) {
        process.apparmor_profile.clear();
        warnings.push_back(warning("/process/apparmorProfile", "apparmor"));
    }
    if (!options.seccomp && !process.seccomp_program.empty()) {
        process.seccomp_program.clear();
        process.seccomp_flags = 0;
        process.seccomp_listener = false;
        warnings.push_back(warning("/linux/seccomp", "seccomp"));
    }
    return warnings;
}

}  // namespace lxcri::runtime
