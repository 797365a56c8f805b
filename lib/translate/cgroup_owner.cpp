// Owns:  nothing alone; config-linux.md "Cgroup ownership"
// Emits: CgroupPlan::owner
#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

// Version 1 is not safe to give away.
bool is_version_2(const oci::Mount& mount, const Host& host) {
    return mount.type == "cgroup2" || (mount.type == "cgroup" && host.unified_cgroups);
}

bool is_writable_cgroup_mount(const oci::Mount& mount, const Host& host) {
    if (mount.destination != "/sys/fs/cgroup" || !is_version_2(mount, host)) return false;
    bool writable = true;
    for (const std::string& option : mount.options) {
        if (option == "ro" || option == "rro") writable = false;
        if (option == "rw" || option == "rrw") writable = true;
    }
    return writable;
}

std::optional<std::uint32_t> host_uid(const oci::Spec& spec, std::uint32_t uid) {
    return has_user_namespace(spec) ? find_host_id(spec.linux_->uid_mappings, uid) : uid;
}

}  // namespace

void translate_cgroup_owner(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (!spec.process) return;
    if (!has_new_namespace(spec, oci::NamespaceType::cgroup)) return;
    for (const oci::Mount& mount : spec.mounts) {
        if (is_writable_cgroup_mount(mount, host)) {
            plan.host.cgroup.owner = host_uid(spec, spec.process->user.uid);
        }
    }
}

}  // namespace lxcri::translate
