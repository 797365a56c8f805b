#include "runtime/translation.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/path.h"
#include "cgroup/permission.h"
#include "cgroup/resources.h"
#include "host/joined_namespaces.h"
#include "host/live_host.h"
#include "host/lxcfs.h"
#include "host/own_cgroup.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "os/privilege.h"
#include "runtime/rootless.h"
#include "runtime/switches.h"
#include "runtime/systemd_unit.h"

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

// Somebody who is not root of the host begins where they are: elsewhere they have no cgroups.
std::string default_parent(const cgroup::Layout& layout) {
    if (os::is_host_root() || layout.mode != cgroup::Mode::unified) return {};
    const auto own = host::own_cgroup(layout);
    if (own.directories.empty()) return {};
    const auto& directory = own.directories.front();
    return concat(directory.path.substr(directory.mount_point.size()), "/");
}

// Without privilege a container may go without a cgroup, and then without limits.
bool can_have_cgroup(const cgroup::Layout& layout, const Translation& result) {
    if (os::is_host_root() || result.unit || cgroup::may_make(layout, result.cgroup_path))
        return true;
    if (result.spec.linux_ && result.spec.linux_->resources &&
        cgroup::has_limits(*result.spec.linux_->resources)) {
        throw SpecError("/linux/resources",
                        concat("found limits, but this user may not make the cgroup ",
                               in_quotes(result.cgroup_path),
                               " (systemd's user manager can: --systemd-cgroup)"));
    }
    return false;
}

void find_cgroup_path(const settings::Options& options, const CreateOptions& call,
                      const cgroup::Layout& layout, Translation& result) {
    const oci::Spec& spec = result.spec;
    std::string asked = spec.linux_ ? spec.linux_->cgroups_path.value_or("") : "";
    if (options.cgroup_driver != settings::CgroupDriver::systemd) {
        if (asked.empty()) {
            const auto parent = default_parent(layout);
            if (!parent.empty()) asked = concat(parent, "lxcri-", call.id);
        }
        result.cgroup_path = cgroup::container_path(asked, call.id);
        return;
    }
    const auto user = helpers::find_user_manager();
    result.unit = cgroup::unit_name(asked, call.id, user);
    result.cgroup_path =
        cgroup::unit_container_path(*result.unit, user, translate::systemd_subgroup(spec));
    result.unit_properties = allowed_unit_properties(options, spec);
}

}  // namespace

Translation translate_config(const settings::Options& options, const CreateOptions& call,
                             std::string_view config, bool is_dry) {
    Translation result;
    result.spec = oci::parse_spec(config);
    const oci::Spec& spec = result.spec;
    if (!options.lxcfs.empty()) host::add_lxcfs(options.lxcfs, result.spec);
    append(result.warnings, oci::validate(spec));
    const bool can_see = can_see_namespaces(spec, is_dry);
    if (can_see) host::resolve_user_namespace(result.spec);
    append(result.warnings, switch_off(options, result.spec));
    const cgroup::Layout layout = cgroup::read_layout();
    if (options.cgroup_driver != settings::CgroupDriver::disabled) {
        find_cgroup_path(options, call, layout, result);
        if (!is_dry && !can_have_cgroup(layout, result)) result.cgroup_path.clear();
    }
    if (!result.cgroup_path.empty()) result.layout = layout;
    if (spec.linux_ && spec.linux_->resources) {
        oci::Resources resources = *spec.linux_->resources;
        if (!os::is_host_root()) resources.devices.clear();  // cgroup::DeviceAccess
        if (options.cgroup_driver == settings::CgroupDriver::disabled &&
            !resources.devices.empty()) {
            // Podman writes them for every container, also where it asks for no cgroup.
            resources.devices.clear();
            result.warnings.emplace_back(
                "/linux/resources/devices: without effect, cgroups are disabled");
        }
        append(result.warnings, cgroup::check_resources(result.layout, resources));
    }

    result.host = host::look_at_host(options, layout, result.cgroup_path);
    if (can_see && (has_user_namespace(spec) || !result.host.privileged)) {
        result.host.owned_namespaces = host::find_owned_namespaces(spec);
    }
    // Whoever only looks at a bundle that needs root sees what root would get.
    if (is_dry && !has_user_namespace(spec)) result.host.ordinary_user = false;
    result.host.id = call.id;
    result.host.bundle = call.bundle;
    result.host.rootfs = rootfs_or_path(spec, call.bundle, is_dry);
    result.host.apparmor = spec.process && spec.process->apparmor_profile && host::has_apparmor();
    const bool has_label =
        (spec.process && spec.process->selinux_label) || (spec.linux_ && spec.linux_->mount_label);
    result.host.selinux = has_label && host::has_selinux();
    result.host.lxc_items = options.lxc_items;
    result.host.settings_file = options.settings_file;
    result.host.new_keyring = call.new_keyring;
    result.host.preserve_fds = call.preserve_fds;
    result.host.listen_fds = call.listen_fds;
    result.host.listen_fdnames = call.listen_fdnames;
    result.host.notify_directory = call.notify_directory;
    result.plan = translate::translate(spec, result.host);
    // With a terminal the caller's own descriptors are not for the container.
    result.plan.init.process.open_stdio =
        result.plan.init.process.terminal ? 0 : options.open_stdio;
    result.plan.start.items.push_back({"lxc.log.level", options.lxc_debug_log ? "TRACE" : "ERROR"});
    append(result.warnings, result.plan.warnings);
    return result;
}

}  // namespace lxcri::runtime
