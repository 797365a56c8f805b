// Owns:  /linux/namespaces, /linux/timeOffsets
// Emits: lxc.namespace.clone, HostPlan::{namespaces,shared_mounts},
//        StartPlan::{shared_namespaces,time_offsets}, {HookPlan,InitPlan}::shares_mounts,
//        HookPlan::loopback_up
#include <linux/sched.h>
#include <sched.h>

#include <string>

#include "base/strings.h"
#include "translate/namespace_kind.h"
#include "translate/translators.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace lxcri::translate {

namespace {

std::string offset_line(std::string_view clock, const std::optional<oci::TimeOffset>& offset) {
    if (!offset) return {};
    return concat(clock, " ", std::to_string(offset->secs), " ", std::to_string(offset->nanosecs),
                  "\n");
}

// liblxc knows seconds or nanoseconds, not both (P25).
std::string time_offsets(const oci::TimeOffsets& offsets) {
    return offset_line("monotonic", offsets.monotonic) + offset_line("boottime", offsets.boottime);
}

// Only root of a user namespace can make the others.
void check_ordinary_user(const oci::Spec& spec) {
    if (has_user_namespace(spec)) return;
    throw SpecError(
        "/linux/namespaces",
        "an entry of type \"user\" is missing; without it only root can run a container "
        "(`lxcri spec --rootless` writes one)");
}

// What sets the container up is root in there.
void check_root_is_mapped(const oci::Spec& spec) {
    if (!has_user_namespace(spec)) return;
    const auto check = [](const std::vector<oci::IdMapping>& mappings, const char* pointer) {
        if (mappings.empty()) return;  // of one that cannot be looked at now
        for (const auto& mapping : mappings) {
            if (mapping.container_id == 0) return;
        }
        throw SpecError(pointer,
                        "a mapping for the container ID 0 is missing, which sets the container up");
    };
    check(spec.linux_->uid_mappings, "/linux/uidMappings");
    check(spec.linux_->gid_mappings, "/linux/gidMappings");
}

// liblxc would mount and pivot in a mount namespace that it joins, for all its members (P53). So it
// gets a new one, which the container leaves for the one that config.json asks for: the mount hook
// makes the mounts there, on a copy of the root filesystem, and lxcri-init changes to the copy with
// chroot(2).
void share_mounts(const oci::Spec& spec, const Host& host, NamespaceToJoin entry, Plan& plan) {
    const bool is_foreign =
        has_user_namespace(spec) && !is_owned_namespace(spec, host, oci::NamespaceType::mount);
    if (host.ordinary_user || is_foreign) {
        throw SpecError(entry.pointer,
                        "the mount namespace must belong to the container's user namespace: "
                        "an entry of type \"mount\" without a path is needed");
    }
    if (host.rootfs == "/") {
        throw SpecError("/root/path",
                        "got \"/\", which needs a new mount namespace: an entry of type "
                        "\"mount\" in /linux/namespaces");
    }
    plan.warnings.push_back(concat(
        entry.pointer,
        ": the mount namespace is shared with others: a process with CAP_SYS_CHROOT can leave "
        "the root filesystem"));
    plan.host.shared_mounts = std::move(entry);
    plan.hook.shares_mounts = true;
    plan.init.shares_mounts = true;
}

}  // namespace

NamespaceKind namespace_kind(oci::NamespaceType type) {
    switch (type) {
        case oci::NamespaceType::pid:
            return {"pid", CLONE_NEWPID};
        case oci::NamespaceType::network:
            return {"net", CLONE_NEWNET};
        case oci::NamespaceType::mount:
            return {"mnt", CLONE_NEWNS};
        case oci::NamespaceType::ipc:
            return {"ipc", CLONE_NEWIPC};
        case oci::NamespaceType::uts:
            return {"uts", CLONE_NEWUTS};
        case oci::NamespaceType::user:
            return {"user", CLONE_NEWUSER};
        case oci::NamespaceType::cgroup:
            return {"cgroup", CLONE_NEWCGROUP};
        case oci::NamespaceType::time:
            return {"time", CLONE_NEWTIME};
    }
    throw Error("internal error: unknown namespace type");
}

void translate_namespaces(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (host.ordinary_user) check_ordinary_user(spec);
    check_root_is_mapped(spec);
    std::string clone;
    const auto& list = spec.linux_ ? spec.linux_->namespaces : std::vector<oci::Namespace>{};
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto [name, flag] = namespace_kind(list[i].type);
        if (!list[i].path && list[i].type == oci::NamespaceType::time) {
            plan.start.time_offsets = time_offsets(spec.linux_->time_offsets);
            if (!plan.start.time_offsets.empty()) continue;
        }
        const std::string pointer = concat("/linux/namespaces/", std::to_string(i));
        // An ordinary user must be root of it before liblxc starts.
        const bool is_made_early = host.ordinary_user && list[i].type == oci::NamespaceType::user;
        if (!list[i].path && !is_made_early) {
            if (!clone.empty()) clone += ' ';
            clone += name;
            continue;
        }
        if (list[i].type == oci::NamespaceType::mount) {
            share_mounts(spec, host, {pointer, name, *list[i].path, flag}, plan);
            continue;
        }
        plan.host.namespaces.push_back({pointer, name, list[i].path.value_or(""), flag});
        plan.start.shared_namespaces.push_back(name);
    }
    if (!has_own_namespace(spec, oci::NamespaceType::mount)) {
        share_mounts(spec, host, {"/linux/namespaces", "mnt", kOwnMountNamespace, CLONE_NEWNS},
                     plan);
    }
    if (plan.host.shared_mounts) {
        if (!clone.empty()) clone += ' ';
        clone += "mnt";
    }
    // Never empty: liblxc would take "" for all of them (P28).
    plan.start.items.push_back({"lxc.namespace.clone", clone});
    plan.hook.loopback_up = has_new_namespace(spec, oci::NamespaceType::network);
}

}  // namespace lxcri::translate
