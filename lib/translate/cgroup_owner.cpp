// Owns:  nothing alone; config-linux.md "Cgroup ownership"
// Emits: HostPlan::cgroup_owner
#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

bool is_writable_cgroup_mount(const oci::Mount& mount) {
    if (mount.destination != "/sys/fs/cgroup") return false;
    if (mount.type != "cgroup" && mount.type != "cgroup2") return false;
    bool writable = true;
    for (const std::string& option : mount.options) {
        if (option == "ro" || option == "rro") writable = false;
        if (option == "rw" || option == "rrw") writable = true;
    }
    return writable;
}

std::optional<std::uint32_t> host_uid(const oci::Spec& spec, std::uint32_t uid) {
    if (!has_user_namespace(spec)) return uid;
    for (const oci::IdMapping& mapping : spec.linux_->uid_mappings) {
        if (uid >= mapping.container_id && uid - mapping.container_id < mapping.size) {
            return uid - mapping.container_id + mapping.host_id;
        }
    }
    return {};
}

}  // namespace

void translate_cgroup_owner(const oci::Spec& spec, const Host& host, Plan& plan) {
    // Version 1 is not safe to give away.
    if (!host.unified_cgroups || !spec.process) return;
    if (!has_new_namespace(spec, oci::NamespaceType::cgroup)) return;
    for (const oci::Mount& mount : spec.mounts) {
        if (is_writable_cgroup_mount(mount)) {
            plan.host.cgroup_owner = host_uid(spec, spec.process->user.uid);
        }
    }
}

}  // namespace lxcri::translate
