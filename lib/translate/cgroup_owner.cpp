// Owns:  nothing alone; config-linux.md "Cgroup ownership"
// Emits: CgroupPlan::owner
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
    return has_user_namespace(spec) ? find_host_id(spec.linux_->uid_mappings, uid) : uid;
}

}  // namespace

void translate_cgroup_owner(const oci::Spec& spec, const Host& host, Plan& plan) {
    // Version 1 is not safe to give away.
    if (!host.unified_cgroups || !spec.process) return;
    if (!has_new_namespace(spec, oci::NamespaceType::cgroup)) return;
    for (const oci::Mount& mount : spec.mounts) {
        if (is_writable_cgroup_mount(mount)) {
            plan.host.cgroup.owner = host_uid(spec, spec.process->user.uid);
        }
    }
}

}  // namespace lxcri::translate
