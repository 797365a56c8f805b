#include "runtime/translation.h"

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/path.h"
#include "cgroup/resources.h"
#include "oci/parse.h"
#include "oci/validate.h"
#include "runtime/live_host.h"
#include "runtime/systemd_unit.h"

namespace lxcri::runtime {

namespace {

std::string rootfs_or_path(const oci::Spec& spec, const std::string& bundle, bool may_miss) {
    try {
        return find_rootfs(spec, bundle);
    } catch (const SpecError&) {
        if (!may_miss) throw;
        return spec.root.path.starts_with('/') ? spec.root.path
                                               : concat(bundle, "/", spec.root.path);
    }
}

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

void find_cgroup_path(const Options& options, const CreateOptions& call, Translation& result) {
    const oci::Spec& spec = result.spec;
    const std::string asked = spec.linux_ ? spec.linux_->cgroups_path.value_or("") : "";
    if (options.cgroup_driver != CgroupDriver::systemd) {
        result.cgroup_path = cgroup::container_path(asked, call.id);
        return;
    }
    const auto user = find_user_manager();
    result.unit = cgroup::unit_name(asked, call.id, user);
    result.cgroup_path = cgroup::unit_container_path(*result.unit, user);
    result.unit_properties = allowed_unit_properties(spec);
}

}  // namespace

Translation translate_config(const Options& options, const CreateOptions& call,
                             std::string_view config, bool rootfs_may_miss) {
    Translation result;
    result.spec = oci::parse_spec(config);
    const oci::Spec& spec = result.spec;
    append(result.warnings, oci::validate(spec));
    if (options.cgroup_driver != CgroupDriver::disabled) result.layout = cgroup::read_layout();
    if (spec.linux_ && spec.linux_->resources) {
        append(result.warnings, cgroup::check_resources(result.layout, *spec.linux_->resources));
    }
    find_cgroup_path(options, call, result);

    result.host = look_at_host(options, result.layout, result.cgroup_path);
    result.host.id = call.id;
    result.host.bundle = call.bundle;
    result.host.rootfs = rootfs_or_path(spec, call.bundle, rootfs_may_miss);
    result.host.apparmor = spec.process && spec.process->apparmor_profile && has_apparmor();
    const bool has_label =
        (spec.process && spec.process->selinux_label) || (spec.linux_ && spec.linux_->mount_label);
    result.host.selinux = has_label && has_selinux();
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
