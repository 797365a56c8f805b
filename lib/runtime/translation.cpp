#include "runtime/translation.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/permission.h"
#include "cgroup/resources.h"
#include "host/joined_namespaces.h"
#include "host/live_host.h"
#include "host/lxcfs.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "translate/system_container.h"

namespace lxcri::runtime {

namespace {

std::string rootfs_or_path(const oci::Spec& spec, const std::string& bundle, bool may_miss) {
    try {
        return host::find_rootfs(spec, bundle);
    } catch (const SpecError&) {
        if (!may_miss) throw;
        return spec.root.path.starts_with('/') ? spec.root.path
                                               : concat(bundle, "/", spec.root.path);
    }
}

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

bool has_user_namespace(const oci::Spec& spec) {
    return spec.linux_ && spec.linux_->find_namespace(oci::NamespaceType::user) != nullptr;
}

// What is only looked at may name processes that are not there.
bool can_see_namespaces(const oci::Spec& spec, bool is_dry) {
    if (!is_dry || !spec.linux_) return true;
    const auto& list = spec.linux_->namespaces;
    return std::all_of(list.begin(), list.end(), [](const oci::Namespace& entry) {
        return !entry.path || ::access(entry.path->c_str(), R_OK) == 0;
    });
}

translate::Host look_at_host(const settings::Options& options, const CreateOptions& call,
                             const oci::Spec& spec, bool is_dry, bool can_see) {
    translate::Host host = host::look_at_host(options, cgroup::read_layout());
    host.call = call;
    host.rootfs = rootfs_or_path(spec, call.bundle, is_dry);
    const auto place = translate::place_cgroup(spec, host);
    // systemd makes a scope for every user.
    host.may_make_cgroup =
        is_dry || host.privileged || place.unit || cgroup::may_make(host.cgroup_layout, place.path);
    host::look_at_cgroup(host.may_make_cgroup ? place.path : "", host);
    if (can_see && (has_user_namespace(spec) || !host.privileged)) {
        host.owned_namespaces = host::find_owned_namespaces(spec);
    }
    // `translate` of a bundle that needs root shows what root would get.
    if (is_dry && !has_user_namespace(spec)) host.ordinary_user = false;
    host.apparmor =
        spec.process && spec.process->apparmor_profile && options.apparmor && host::has_apparmor();
    const bool has_label =
        (spec.process && spec.process->selinux_label) || (spec.linux_ && spec.linux_->mount_label);
    host.selinux = has_label && host::has_selinux();
    host.may_enter_cgroup_late = host.may_enter_cgroup_late && !call.is_restored;
    return host;
}

}  // namespace

translate::Plan translate_config(const settings::Options& options, const CreateOptions& call,
                                 std::string_view config, Purpose purpose) {
    const bool is_dry = purpose == Purpose::to_look_at;
    oci::Spec spec = oci::parse_spec(config);
    const bool is_system =
        translate::is_system_container(spec, {options.system, options.system_annotation});
    if (!options.lxcfs.empty()) {
        host::add_lxcfs(options.lxcfs, spec);
    } else if (is_system && host::runs_lxcfs()) {
        host::add_lxcfs(host::kLxcfs, spec);
    }
    std::vector<std::string> warnings = oci::validate(spec);
    const bool can_see = can_see_namespaces(spec, is_dry);
    if (can_see) host::resolve_user_namespace(spec);
    auto host = look_at_host(options, call, spec, is_dry, can_see);
    if (is_system) host::look_for_system_container(host);
    translate::Plan plan = translate::translate(spec, host);
    append(warnings, plan.warnings);
    const auto& cgroup = plan.host.cgroup;
    if (cgroup.resources) {
        append(warnings, cgroup::check_resources(cgroup.layout, *cgroup.resources));
    }
    plan.warnings = std::move(warnings);
    return plan;
}

}  // namespace lxcri::runtime
