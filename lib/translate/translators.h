#pragma once
// One translator per property, or per group of properties that make sense only together. Each has
// its own file; the comment at the head of the file names what it owns. translate.cpp calls them.

#include "base/error.h"
#include "translate/plan.h"

namespace lxcri::translate {

void translate_rootfs(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_namespaces(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_id_mappings(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_net_devices(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_hostname(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_mounts(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_mount_label(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_device_nodes(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_sysctl(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_hidden_paths(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_process(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_terminal(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_labels(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_capabilities(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_seccomp(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_memory_policy(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_personality(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_limits(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_cgroup(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_cgroup_owner(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_termination_message(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_lxc_items(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_notify_socket(const Host& host, Plan& plan);
void translate_hooks(const oci::Spec& spec, const Host& host, Plan& plan);
void translate_crun_annotations(const oci::Spec& spec, const Host& host, Plan& plan);
// When all mounts and devices are there.
void translate_sources(Plan& plan);
void translate_little_memory(const oci::Spec& spec, const Host& host, Plan& plan);

// Does the container get a user namespace of its own (new or joined)?
bool has_user_namespace(const oci::Spec& spec);
// Is this type listed without a path: a namespace of its own?
bool has_new_namespace(const oci::Spec& spec, oci::NamespaceType type);
// Is this type listed at all: not the runtime's?
bool has_own_namespace(const oci::Spec& spec, oci::NamespaceType type);
// Does the container's namespace of this type belong to its user namespace: may its root change it,
// and mount the filesystem that shows it?
bool is_owned_namespace(const oci::Spec& spec, const Host& host, oci::NamespaceType type);

// What the runtime calls the ID of the container; nullopt if it has none.
std::optional<std::uint32_t> find_host_id(const std::vector<oci::IdMapping>& mappings,
                                          std::uint32_t id);

}  // namespace lxcri::translate
