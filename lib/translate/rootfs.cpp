// Owns:  /root/path, /root/readonly, /linux/rootfsPropagation
// Emits: lxc.rootfs.*, HostPlan::rootfs, InitPlan::readonly_root,
// {HookPlan,InitPlan}::root_propagation,
//        InitPlan::has_propagation
#include <sys/mount.h>

#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

std::uint64_t propagation_flags(oci::Propagation propagation) {
    switch (propagation) {
        case oci::Propagation::shared:
            return MS_SHARED;
        case oci::Propagation::rshared:
            return MS_SHARED | MS_REC;
        case oci::Propagation::slave:
            return MS_SLAVE;
        case oci::Propagation::rslave:
            return MS_SLAVE | MS_REC;
        case oci::Propagation::private_:
            return MS_PRIVATE;
        case oci::Propagation::rprivate:
            return MS_PRIVATE | MS_REC;
        case oci::Propagation::unbindable:
            return MS_UNBINDABLE;
        case oci::Propagation::runbindable:
            return MS_UNBINDABLE | MS_REC;
    }
    throw Error("internal error: unknown propagation");
}

}  // namespace

void translate_rootfs(const oci::Spec& spec, const Host& host, Plan& plan) {
    auto& items = plan.start.items;
    // "dir:" keeps liblxc from guessing the storage; the same path twice binds it onto itself, so
    // that hooks find the root filesystem where config.json says.
    items.push_back({"lxc.rootfs.path", concat("dir:", host.rootfs)});
    items.push_back({"lxc.rootfs.mount", host.rootfs});
    items.push_back({"lxc.rootfs.managed", "0"});
    plan.init.readonly_root |= spec.root.readonly;
    if (spec.linux_ && spec.linux_->rootfs_propagation) {
        const std::uint64_t flags = propagation_flags(*spec.linux_->rootfs_propagation);
        plan.hook.root_propagation = flags;
        // A shared root cannot become the root (pivot_root(2)), an unbindable one cannot be worked
        // on.
        plan.init.root_propagation = flags & (MS_SHARED | MS_UNBINDABLE);
        plan.init.has_propagation = true;
    }
}

}  // namespace lxcri::translate
