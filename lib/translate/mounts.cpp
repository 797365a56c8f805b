// Owns:  /mounts
// Emits: HookPlan::mounts, HookPlan::set_up_dev, HostPlan::filesystems,
//        InitPlan::{has_propagation,covered_root}
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/kernel_mount.h"
#include "base/strings.h"
#include "translate/mount_id_mappings.h"
#include "translate/mount_options.h"
#include "translate/namespace_kind.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

using handoff::MountAction;
using handoff::MountKind;

std::string absolute_source(const std::string& source, const std::string& bundle) {
    return source.starts_with('/') ? source : concat(bundle, "/", source);
}

bool gid_is_mapped(const oci::Spec& spec, std::uint32_t gid) {
    const auto& mappings = spec.linux_->gid_mappings;
    if (mappings.empty()) return true;  // of a joined one that cannot be looked at now
    return find_host_id(mappings, gid).has_value();
}

// Every specification template asks for gid=5; if the group 5 is not mapped, the kernel would
// refuse the whole devpts.
void drop_unmapped_gid(const oci::Spec& spec, MountAction& action) {
    if (action.type != "devpts" || !has_user_namespace(spec)) return;
    std::erase_if(action.data, [&](const std::string& option) {
        constexpr std::string_view kKey = "gid=";
        if (!option.starts_with(kKey)) return false;
        const auto gid = parse_integer<std::uint32_t>(std::string_view(option).substr(kKey.size()));
        return gid && !gid_is_mapped(spec, *gid);
    });
}

// Below what it calls the root filesystem: "" for that itself, else with a slash in front.
std::optional<std::string> path_inside(const std::string& source, const std::string& root) {
    if (source == root) return "/";
    if (!source.starts_with(root) || source[root.size()] != '/') return {};
    return source.substr(root.size());
}

bool is_same_or_below(std::string_view path, std::string_view directory) {
    if (directory == "/") return true;
    return path.starts_with(directory) &&
           (path.size() == directory.size() || path[directory.size()] == '/');
}

// A source in the root filesystem is what the mounts before this one have made of it.
void look_for_source_inside(const oci::Spec& spec, const Host& host, const Plan& plan,
                            MountAction& action) {
    if (plan.hook.mounts.empty()) return;
    const std::string source = normalized_path(action.source);
    auto inside = path_inside(source, host.rootfs);
    if (!inside) {
        inside =
            path_inside(source, normalized_path(absolute_source(spec.root.path, host.call.bundle)));
    }
    if (!inside) return;
    if (action.uid_map.empty()) {
        action.source_inside = true;
        action.source = *inside;
        return;
    }
    // Mappings are given by `create`, which sees the root filesystem without these mounts.
    const auto& before = plan.hook.mounts;
    if (std::any_of(before.begin(), before.end(), [&](const MountAction& earlier) {
            return is_same_or_below(*inside, earlier.destination) ||
                   (action.recursive && is_same_or_below(earlier.destination, *inside));
        })) {
        throw SpecError(concat(action.pointer, "/source"),
                        concat("got ", in_quotes(action.source),
                               ", an earlier mount in the root filesystem, which cannot get ID "
                               "mappings"));
    }
}

MountAction make_action(const oci::Mount& mount, const std::string& pointer, const Host& host,
                        std::vector<std::string>& warnings) {
    MountAction action;
    action.pointer = pointer;
    action.destination = normalized_path(mount.destination);
    const bool bind = is_bind(mount.options) || mount.type == "bind" || mount.type == "rbind";
    action.kind = bind ? MountKind::bind : MountKind::filesystem;
    if (!bind) action.type = mount.type.value_or("none");
    sort_mount_options(mount.options, pointer, action, warnings);
    if (bind) {
        if (!mount.source)
            throw SpecError(concat(pointer, "/source"), "missing: a bind mount needs one");
        action.source = absolute_source(*mount.source, host.call.bundle);
        action.recursive =
            std::find(mount.options.begin(), mount.options.end(), "rbind") != mount.options.end() ||
            mount.type == "rbind";
        return action;
    }
    if (action.type == "none") {
        throw SpecError(concat(pointer, "/type"),
                        "missing: every mount except a bind mount needs one");
    }
    action.source = mount.source.value_or(action.type);
    // A mount that is read-only is not enough on a device: the filesystem itself would write to it,
    // or cannot where the device does not let it.
    const bool on_device = action.source.starts_with("/dev/") && action.type != "tmpfs";
    if (on_device && (action.set & MOUNT_ATTR_RDONLY) != 0) action.flags.emplace_back("ro");
    return action;
}

// A mount of the type "cgroup". Binding the host's directories gives the same view as mounting the
// filesystems anew, since a cgroup namespace only changes what their root is called; but the kernel
// takes milliseconds for a new mount of a hierarchy.
MountAction bind_cgroup(const MountAction& base, const std::string& directory) {
    MountAction action = base;
    action.kind = MountKind::bind;
    action.source = directory;
    action.takes_mounts_below = true;
    action.data.clear();
    action.flags.clear();
    return action;
}

void add_unified_cgroup(const CgroupHierarchy& hierarchy, bool own_namespace, MountAction base,
                        Plan& plan) {
    if (base.data.empty()) {
        // Without a namespace of its own the container sees what the runtime sees.
        const auto& directory = own_namespace ? hierarchy.directory : hierarchy.mount_point;
        plan.hook.mounts.push_back(bind_cgroup(base, directory));
        return;
    }
    base.type = "cgroup2";
    base.source = "cgroup";
    plan.hook.mounts.push_back(std::move(base));
}

// One directory for each hierarchy, all on a tmpfs; a controller that shares its hierarchy with
// others is a link to it. Only the container's own cgroups are shown, with or without a namespace.
void add_cgroup_hierarchies(const Host& host, const MountAction& base, Plan& plan) {
    auto& mounts = plan.hook.mounts;
    // Read-only comes last: the directories must be made first.
    MountAction top = base;
    top.type = "tmpfs";
    top.source = "tmpfs";
    top.data = {"mode=755"};
    top.set &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
    mounts.push_back(std::move(top));
    for (const auto& hierarchy : host.cgroups) {
        MountAction child = bind_cgroup(base, hierarchy.directory);
        child.destination = concat(base.destination, "/", hierarchy.name);
        mounts.push_back(std::move(child));
        for (const auto& controller : split(hierarchy.name, ',')) {
            if (controller == hierarchy.name) continue;
            MountAction link;
            link.pointer = base.pointer;
            link.kind = MountKind::symlink;
            link.destination = concat(base.destination, "/", controller);
            link.source = hierarchy.name;
            mounts.push_back(std::move(link));
        }
    }
    if ((base.set & MOUNT_ATTR_RDONLY) == 0) return;
    MountAction last;
    last.pointer = base.pointer;
    last.kind = MountKind::attributes;
    last.destination = base.destination;
    last.set = MOUNT_ATTR_RDONLY;
    mounts.push_back(std::move(last));
}

void add_cgroup_mounts(const oci::Spec& spec, const Host& host, MountAction base, Plan& plan) {
    if (host.cgroups.empty()) {
        throw SpecError(base.pointer, "this host has no cgroup filesystem to mount");
    }
    const bool own_namespace = has_new_namespace(spec, oci::NamespaceType::cgroup);
    if (host.unified_cgroups) {
        return add_unified_cgroup(host.cgroups.front(), own_namespace, std::move(base), plan);
    }
    add_cgroup_hierarchies(host, base, plan);
}

// The namespace that a filesystem of this type shows.
std::optional<oci::NamespaceType> shown_namespace(const std::string& filesystem) {
    if (filesystem == "proc") return oci::NamespaceType::pid;
    if (filesystem == "mqueue") return oci::NamespaceType::ipc;
    if (filesystem == "sysfs") return oci::NamespaceType::network;
    return {};
}

// Where the namespace does not belong to the container's user namespace its root may not make the
// filesystem. One that is joined by its path `create` can enter.
void make_outside(const oci::Spec& spec, const Host& host, MountAction& action, Plan& plan) {
    if (!host.privileged || action.kind != MountKind::filesystem) return;
    const auto type = shown_namespace(action.type);
    if (!type || is_owned_namespace(spec, host, *type)) return;
    const auto& list = spec.linux_->namespaces;
    const auto* entry = spec.linux_->find_namespace(*type);
    if (entry == nullptr) return;
    const auto [name, flag] = namespace_kind(*type);
    plan.host.filesystems.push_back(
        {action.pointer,
         {concat("/linux/namespaces/", std::to_string(entry - list.data())), name, *entry->path,
          flag}});
    action.kind = MountKind::bind;
}

}  // namespace

void translate_mounts(const oci::Spec& spec, const Host& host, Plan& plan) {
    bool has_proc = false;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const std::string pointer = spec.mounts[i].pointer.empty()
                                        ? concat("/mounts/", std::to_string(i))
                                        : spec.mounts[i].pointer;
        MountAction action = make_action(spec.mounts[i], pointer, host, plan.warnings);
        map_ids(spec, host, spec.mounts[i], pointer, action);
        // There the kernel locks them for mounts from inside; callers expect the same here.
        if (has_user_namespace(spec)) action.clear_if_allowed = 0;
        if (action.kind == MountKind::bind) look_for_source_inside(spec, host, plan, action);
        if (action.destination == "/proc") has_proc = true;
        if (action.destination == "/") {
            if (plan.hook.shares_mounts) {
                throw SpecError(concat(pointer, "/destination"),
                                "the root, which is not possible if the mount namespace is "
                                "shared with others");
            }
            if (plan.init.covered_root) {
                throw SpecError(concat(pointer, "/destination"), "the root, for the second time");
            }
            has_proc = false;
            plan.init.covered_root = true;
        }
        if (action.destination == "/dev" && action.kind == MountKind::bind) {
            plan.hook.set_up_dev = false;
        }
        // A recursive rootfsPropagation is that of all mounts which ask for none.
        if (action.propagation.empty() && (plan.hook.root_propagation & MS_REC) != 0) {
            action.propagation.push_back(plan.hook.root_propagation);
        }
        if (!action.propagation.empty()) plan.init.has_propagation = true;
        drop_unmapped_gid(spec, action);
        if (action.type == "cgroup") {
            add_cgroup_mounts(spec, host, std::move(action), plan);
            continue;
        }
        // A sysfs shows the network namespace it is made in, which has to belong to the user
        // namespace; where it does not, the host's is the only one there is.
        make_outside(spec, host, action, plan);
        if (action.type == "sysfs" && action.kind == MountKind::filesystem &&
            !is_owned_namespace(spec, host, oci::NamespaceType::network)) {
            action.kind = MountKind::bind;
            action.source = "/sys";
            action.recursive = true;
            action.recursive_set |= MOUNT_ATTR_RDONLY;
            action.data.clear();
            action.flags.clear();
        }
        plan.hook.mounts.push_back(std::move(action));
    }
    // liblxc starts lxcri-init through /proc/self/fd: where the bundle wants no /proc it gets one
    // that is gone before the container process runs.
    // Where the mounts are shared liblxc has a root of its own, with a /proc in any case.
    plan.hook.temporary_proc = !has_proc && !plan.hook.shares_mounts;
    plan.init.temporary_proc = plan.hook.temporary_proc;
}

}  // namespace lxcri::translate
