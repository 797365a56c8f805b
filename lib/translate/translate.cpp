#include <algorithm>
#include <array>

#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/system_container.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

// What liblxc is told not to do; the reasons are in docs/liblxc.md.
void add_fixed_items(Plan& plan, const Host& host) {
    auto& items = plan.start.items;
    items.push_back({"lxc.autodev", "0"});
    items.push_back({"lxc.console.path", "none"});
    items.push_back({"lxc.keyring.session", "0"});
    items.push_back({"lxc.apparmor.profile", "unchanged"});
    items.push_back({"lxc.hook.version", "1"});
    items.push_back({"lxc.hook.mount", concat(host.options.libexec_dir, "/lxcri-hook")});
    items.push_back({"lxc.init.cmd", "/proc/self/fd/4"});
    if (plan.start.keep_monitor) {
        // liblxc takes a container process that died of SIGHUP for a reboot; this hook says no.
        items.push_back({"lxc.hook.post-stop", concat(host.options.libexec_dir, "/lxcri-hook")});
        // The container's own: the only one that liblxc sees (libexec/liblxc_cgroups.h).
        items.push_back({"lxc.cgroup.dir.monitor", "."});
        items.push_back({"lxc.cgroup.dir.container", "."});
    } else {
        items.push_back({"lxc.monitor.signal.pdeath", "0"});
    }
}

void add_identity(const oci::Spec& spec, const Host& host, Plan& plan) {
    plan.host.id = host.call.id;
    plan.host.bundle = host.call.bundle;
    plan.host.oci_version = spec.oci_version;
    plan.host.annotations = spec.annotations;
    plan.host.rootfs = host.rootfs;
    if (!spec.linux_) return;
    plan.host.listed_namespaces = spec.linux_->namespaces;
    plan.host.uid_mappings = spec.linux_->uid_mappings;
    plan.host.gid_mappings = spec.linux_->gid_mappings;
}

// One process: the container's, or one that `exec` adds.
void translate_process_parts(const oci::Spec& spec, const Host& host, Plan& plan) {
    translate_process(spec, host, plan);
    translate_terminal(spec, host, plan);
    translate_labels(spec, host, plan);
    translate_capabilities(spec, host, plan);
    translate_limits(spec, host, plan);
}

// "sandbox", or "container" of a pod; "" elsewhere.
std::string role_in_pod(const oci::Spec& spec) {
    constexpr std::array<const char*, 2> kKeys{"io.kubernetes.cri.container-type",    // containerd
                                               "io.kubernetes.cri-o.ContainerType"};  // CRI-O
    for (const char* key : kKeys) {
        const auto found = spec.annotations.find(key);
        if (found != spec.annotations.end()) return found->second;
    }
    return {};
}

// An annotation asks for a process beside the container. Callers know the pid of that process, and
// take the namespaces that it is in for those of the container: images and authors of pods, who may
// write annotations, must not decide that.
bool may_stay_beside(const oci::Spec& spec, const Host& host, const std::string& pointer) {
    const std::string role = role_in_pod(spec);
    if (role == "sandbox") return false;  // the annotation is meant for the others of the pod
    if (!role.empty()) {
        throw SpecError(pointer,
                        "not in a pod: its containers join namespaces of the process that the "
                        "engine knows");
    }
    if (host.options.monitor_annotation) return true;
    throw SpecError(pointer, "the setting monitorAnnotation does not allow it");
}

// The annotation says it for one container, --monitor for all.
bool keep_monitor(const oci::Spec& spec, const Host& host) {
    constexpr const char* kKey = "org.linuxcontainers.lxcri.monitor";
    const bool keeps_all =
        host.options.monitor == settings::MonitorMode::keep && role_in_pod(spec).empty();
    const auto found = spec.annotations.find(kKey);
    if (found == spec.annotations.end()) return keeps_all;
    const std::string pointer = concat("/annotations/", kKey);
    if (found->second == "keep") return keeps_all || may_stay_beside(spec, host, pointer);
    if (found->second == "hand-over") return false;
    oci::reject(pointer, in_quotes(found->second), "hand-over or keep");
}

// For the tools of LXC (libexec/liblxc_cgroups.h). liblxc wants a number for each hierarchy, but
// looks at it for version 2 alone, where it is 0.
std::string cgroups_for_monitor(const CgroupPlan& cgroup) {
    const std::string path = cgroup.path.starts_with('/') ? cgroup.path : concat("/", cgroup.path);
    std::string lines;
    for (const auto& hierarchy : cgroup.layout.hierarchies) {
        lines += concat(hierarchy.version == 2 ? "0" : "1", ":", join(hierarchy.controllers, ","),
                        ":", path, "\n");
    }
    return lines;
}

// Only the first process of a pid namespace can ask for it (reboot(2)).
bool restarts_on_reboot(const oci::Spec& spec, const Host& host) {
    constexpr const char* kKey = "org.linuxcontainers.lxcri.reboot";
    const auto found = spec.annotations.find(kKey);
    if (found == spec.annotations.end() || found->second == "end") return false;
    const std::string pointer = concat("/annotations/", kKey);
    if (found->second != "restart")
        oci::reject(pointer, in_quotes(found->second), "restart or end");
    if (!may_stay_beside(spec, host, pointer)) return false;
    if (!has_new_namespace(spec, oci::NamespaceType::pid)) {
        throw SpecError(pointer, "a container without a new pid namespace cannot reboot");
    }
    if (spec.linux_ && !spec.linux_->net_devices.empty()) {
        throw SpecError(pointer,
                        "with /linux/netDevices the container cannot be started again: its "
                        "devices are gone then");
    }
    return true;
}

// All but what makes a system container of it.
Plan translate_document(const oci::Spec& spec, const Host& host) {
    Plan plan;
    add_identity(spec, host, plan);
    plan.start.id = host.call.id;
    plan.start.runtime_root = host.options.root;
    plan.host.restarts = restarts_on_reboot(spec, host);
    // The container ends with its monitor, and that with the process that would start it again.
    plan.start.ends_with_caller = plan.host.restarts;
    plan.start.keep_monitor = keep_monitor(spec, host) || plan.host.restarts;

    add_fixed_items(plan, host);
    // What the container is: namespaces first, much of the rest depends on them.
    translate_namespaces(spec, host, plan);
    translate_id_mappings(spec, host, plan);
    translate_rootfs(spec, host, plan);
    translate_net_devices(spec, host, plan);
    translate_hostname(spec, host, plan);
    // What is in it, in the order in which it is made.
    translate_mounts(spec, host, plan);
    translate_mount_label(spec, host, plan);
    translate_device_nodes(spec, host, plan);
    translate_sysctl(spec, host, plan);
    translate_hidden_paths(spec, host, plan);
    // What runs in it.
    translate_process_parts(spec, host, plan);
    translate_seccomp(spec, host, plan);
    translate_memory_policy(spec, host, plan);
    translate_personality(spec, host, plan);
    translate_notify_socket(host, plan);
    translate_termination_message(spec, host, plan);
    translate_cgroup(spec, host, plan);
    translate_cgroup_owner(spec, host, plan);
    if (plan.start.keep_monitor) plan.start.cgroups = cgroups_for_monitor(plan.host.cgroup);
    translate_hooks(spec, host, plan);
    translate_crun_annotations(spec, host, plan);
    // After all items of our own.
    translate_lxc_items(spec, host, plan);
    // These look at what the others have made of it.
    translate_sources(plan);
    translate_little_memory(spec, host, plan);
    plan.start.items.push_back({"lxc.log.level", host.options.lxc_debug_log ? "TRACE" : "ERROR"});
    return plan;
}

}  // namespace

Plan translate(const oci::Spec& spec, const Host& host) {
    if (!is_system_container(spec, {host.options.system, host.options.system_annotation}))
        return translate_document(spec, host);
    std::vector<std::string> warnings;
    Plan plan = translate_document(make_system_container(spec, host, warnings), host);
    plan.host.system = true;
    plan.warnings.insert(plan.warnings.begin(), warnings.begin(), warnings.end());
    return plan;
}

Plan translate_exec(const oci::Spec& spec, const Host& host) {
    Plan plan;
    translate_process_parts(spec, host, plan);
    return plan;
}

bool has_own_namespace(const oci::Spec& spec, oci::NamespaceType type) {
    return spec.linux_ && spec.linux_->find_namespace(type) != nullptr;
}

bool has_new_namespace(const oci::Spec& spec, oci::NamespaceType type) {
    return has_own_namespace(spec, type) && !spec.linux_->find_namespace(type)->path;
}

bool has_user_namespace(const oci::Spec& spec) {
    return has_own_namespace(spec, oci::NamespaceType::user);
}

bool is_owned_namespace(const oci::Spec& spec, const Host& host, oci::NamespaceType type) {
    if (!has_user_namespace(spec) && host.privileged) return true;
    if (!has_own_namespace(spec, type)) return false;
    return has_new_namespace(spec, type) ||
           std::find(host.owned_namespaces.begin(), host.owned_namespaces.end(), type) !=
               host.owned_namespaces.end();
}

std::string switched_off(std::string_view pointer, std::string_view setting) {
    return concat(pointer, ": not applied, ", setting, " is false");
}

oci::State make_state(const HostPlan& plan, oci::Status status) {
    oci::State state;
    state.oci_version = plan.oci_version;
    state.id = plan.id;
    state.status = status;
    state.bundle = plan.bundle;
    state.rootfs = plan.rootfs;
    state.annotations = plan.annotations;
    return state;
}

}  // namespace lxcri::translate
