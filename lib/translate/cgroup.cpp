// Owns:  /linux/{cgroupsPath,resources,intelRdt}, /annotations/org.systemd.property.*
// Emits: HostPlan::{cgroup,resctrl}
#include <algorithm>

#include "base/strings.h"
#include "cgroup/path.h"
#include "cgroup/resources.h"
#include "translate/crun_annotations.h"
#include "translate/translators.h"
#include "translate/unit_properties.h"

namespace lxcri::translate {

namespace {

// A unit's properties can start programs as root (CVE-2024-3154).
std::vector<handoff::UnitProperty> allowed_properties(const oci::Spec& spec, const Host& host) {
    auto properties = unit_properties(spec);
    const auto& allowed = host.options.systemd_properties;
    for (const auto& property : properties) {
        if (is_harmless_property(property.name)) continue;
        if (std::find(allowed.begin(), allowed.end(), property.name) != allowed.end()) continue;
        throw SpecError(property.pointer,
                        concat("the property ", in_quotes(property.name),
                               " may start programs as root; only /systemdProperties in ",
                               in_quotes(host.options.settings_file), " can allow it"));
    }
    return properties;
}

// Without privilege a container may go without a cgroup, and then without limits.
void refuse_limits(const oci::Spec& spec, const std::string& path) {
    if (!spec.linux_ || !spec.linux_->resources) return;
    if (!cgroup::has_limits(*spec.linux_->resources)) return;
    throw SpecError("/linux/resources",
                    concat("got limits, but this user may not make the cgroup ", in_quotes(path),
                           " (systemd's user manager can: --systemd-cgroup)"));
}

void place(const oci::Spec& spec, const Host& host, CgroupPlan& plan) {
    const CgroupPlace place = place_cgroup(spec, host);
    if (place.unit) {
        plan.unit = {place.unit->slice, place.unit->scope, allowed_properties(spec, host)};
    }
    if (place.path.empty()) return;
    if (!host.may_make_cgroup) return refuse_limits(spec, place.path);
    plan.path = place.path;
    plan.layout = host.cgroup_layout;
}

void translate_device_rules(const Host& host, Plan& plan) {
    auto& cgroup = plan.host.cgroup;
    const char* pointer = "/linux/resources/devices";
    if (!host.options.cgroup_devices) {
        if (!cgroup.resources) cgroup.resources.emplace();
        cgroup.resources->devices = {{true, oci::DeviceRuleType::all, {}, {}, "rwm"}};
        plan.warnings.push_back(switched_off(pointer, "cgroupDevices"));
    }
    cgroup.limits_devices = host.privileged;
    if (!cgroup.resources) return;
    auto& rules = cgroup.resources->devices;
    if (!host.privileged) rules.clear();
    if (host.options.cgroup_driver != cgroup::Driver::disabled || rules.empty()) return;
    // Podman writes them for every container, also where it asks for no cgroup.
    rules.clear();
    plan.warnings.push_back(concat(pointer, " has no effect: cgroups are disabled"));
}

}  // namespace

CgroupPlace place_cgroup(const oci::Spec& spec, const Host& host) {
    if (host.options.cgroup_driver == cgroup::Driver::disabled) return {};
    std::string asked = spec.linux_ ? spec.linux_->cgroups_path.value_or("") : "";
    if (host.options.cgroup_driver == cgroup::Driver::cgroupfs) {
        if (asked.empty() && !host.cgroup_parent.empty()) {
            asked = concat(host.cgroup_parent, "lxcri-", host.call.id);
        }
        return {cgroup::container_path(asked, host.call.id), {}};
    }
    auto unit = cgroup::unit_name(asked, host.call.id, host.user_manager);
    auto path = cgroup::unit_container_path(unit, host.user_manager, systemd_subgroup(spec));
    return {std::move(path), std::move(unit)};
}

void translate_cgroup(const oci::Spec& spec, const Host& host, Plan& plan) {
    place(spec, host, plan.host.cgroup);
    if (spec.linux_) {
        plan.host.cgroup.resources = spec.linux_->resources;
        plan.host.resctrl = spec.linux_->intel_rdt;
    }
    translate_device_rules(host, plan);
}

}  // namespace lxcri::translate
