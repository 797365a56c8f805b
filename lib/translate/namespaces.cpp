// Owns:  /linux/namespaces, /linux/timeOffsets
// Emits: lxc.namespace.clone, HostPlan::namespaces, StartPlan::shared_namespaces,
//        HookPlan::loopback_up
#include <sched.h>

#include <string>

#include "base/strings.h"
#include "translate/translators.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace lxcri::translate {

namespace {

struct LxcNamespace {
    std::string name;  // liblxc's
    int clone_flag;
};

LxcNamespace lxc_namespace(oci::NamespaceType type) {
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
    throw SpecError("/linux/namespaces",
                    "no entry of type \"user\", without which only root can run a container "
                    "(`lxcri spec --rootless` writes one)");
}

// What sets the container up is root in there.
void check_root_is_mapped(const oci::Spec& spec) {
    if (!has_new_namespace(spec, oci::NamespaceType::user)) return;
    const auto check = [](const std::vector<oci::IdMapping>& mappings, const char* pointer) {
        for (const auto& mapping : mappings) {
            if (mapping.container_id == 0) return;
        }
        throw SpecError(pointer, "no mapping for the container ID 0, which sets the container up");
    };
    check(spec.linux_->uid_mappings, "/linux/uidMappings");
    check(spec.linux_->gid_mappings, "/linux/gidMappings");
}

}  // namespace

void translate_namespaces(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (host.ordinary_user) check_ordinary_user(spec);
    check_root_is_mapped(spec);
    std::string clone;
    const auto& list = spec.linux_ ? spec.linux_->namespaces : std::vector<oci::Namespace>{};
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto [name, flag] = lxc_namespace(list[i].type);
        if (!list[i].path && list[i].type == oci::NamespaceType::time) {
            plan.start.time_offsets = time_offsets(spec.linux_->time_offsets);
            if (!plan.start.time_offsets.empty()) continue;
        }
        const std::string pointer = concat("/linux/namespaces/", std::to_string(i));
        // An ordinary user has to be root of it before liblxc starts.
        const bool is_made_early = host.ordinary_user && list[i].type == oci::NamespaceType::user;
        if (!list[i].path && !is_made_early) {
            if (!clone.empty()) clone += ' ';
            clone += name;
            continue;
        }
        // liblxc would join it first, then mount and pivot in it, under everybody else's feet
        // (P53).
        if (list[i].type == oci::NamespaceType::mount) {
            throw SpecError(concat(pointer, "/path"),
                            "a mount namespace cannot be joined, only a new one is possible");
        }
        plan.host.namespaces.push_back({pointer, name, list[i].path.value_or(""), flag});
        plan.start.shared_namespaces.push_back(name);
    }
    if (!has_new_namespace(spec, oci::NamespaceType::mount)) {
        throw SpecError("/linux/namespaces",
                        "no entry of type \"mount\": the container would share the host's mounts");
    }
    // Never empty, because the mount namespace is new: liblxc would take "" for all of them (P28).
    plan.start.items.push_back({"lxc.namespace.clone", clone});
    plan.hook.loopback_up = has_new_namespace(spec, oci::NamespaceType::network);
}

}  // namespace lxcri::translate
