#pragma once
// Spec + Host -> Plan: everything `create` is going to do, decided before anything is done. Pure:
// no system call is made below this folder, so each decision has a golden test without root.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/driver.h"
#include "cgroup/layout.h"
#include "cgroup/unit_path.h"
#include "handoff/plan.h"
#include "handoff/unit.h"
#include "oci/fields.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "settings/create_options.h"
#include "settings/options.h"
#include "translate/crun_annotations.h"

namespace lxcri::translate {

// The cgroup filesystems of the host, as far as cgroup mounts inside depend on them.
struct CgroupHierarchy {
    std::string name;         // the directory it gets inside: "memory", "cpu,cpuacct", "systemd"
    std::string mount_point;  // on the host
    std::string directory;    // the container's own cgroup in it, on the host
};

// Of those that a system container gets, one that the host has.
struct SystemDevice {
    std::string path;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
};

// The facts about the machine and the call that translation may ask for. `host/live_host` finds
// them; tests write them down.
struct Host {
    settings::Options options;
    settings::CreateOptions call;
    std::string rootfs;                       // absolute, no symlinks: what /root/path means
    bool apparmor = false;                    // its module is on
    bool selinux = false;                     // it is on
    bool privileged = true;                   // effective uid 0 in the initial user namespace
    bool ordinary_user = false;               // effective uid not 0
    std::uint64_t bounding_capabilities = 0;  // of the runtime
    int last_capability = 40;                 // of the kernel
    // Of those that the container joins by their paths: they belong to its user namespace, or to
    // one below it. Not looked at for root of the host without a user namespace.
    std::vector<oci::NamespaceType> owned_namespaces;
    cgroup::UserManager user_manager;  // with systemd's cgroups: whose systemd
    std::string cgroup_parent;  // the parent of a container's cgroup without cgroupsPath; "/" last
    bool may_make_cgroup = true;  // the container's: place_cgroup()
    cgroup::Layout cgroup_layout;
    bool unified_cgroups = false;          // version 2 only
    std::vector<CgroupHierarchy> cgroups;  // one where unified
    bool may_enter_cgroup_late = false;    // it may be empty for a while
    std::vector<SystemDevice> system_devices;
    std::string random_uuid;               // for a container whose ID is none
    std::vector<std::string> environment;  // of the call
};

// Set on the process from outside, because init may not have the privilege, and after the set-up,
// which these limits could break.
struct ProcessLimits {
    std::vector<oci::Rlimit> rlimits;
    std::optional<std::int32_t> oom_score_adj;
    // Without the host's privilege the file of a process that is not dumpable is out of reach: the
    // runtime sets oom_score_adj on itself, and all others inherit it.
    bool inherits_oom_score_adj = false;
    std::optional<oci::Scheduler> scheduler;
    std::optional<oci::IoPriority> io_priority;
};

// As the path of HostPlan::shared_mounts: the one of the runtime.
inline constexpr const char* kOwnMountNamespace = "/proc/self/ns/mnt";

struct NamespaceToJoin {
    std::string pointer;  // "/linux/namespaces/2"
    std::string type;     // liblxc's name: "net", "pid", ...
    std::string path;     // empty: the user namespace that `create` makes for an ordinary user
    int clone_flag = 0;   // CLONE_NEW*
};

struct NetDeviceMove {
    std::string pointer;       // "/linux/netDevices/eth0"
    std::string name_pointer;  // where its new name stands
    std::string name;          // in the runtime's network namespace
    std::string new_name;      // in the container's; "NAME%d": the kernel chooses the number
};

// A device that the container may not make by itself.
struct OuterDevice {
    std::string pointer;  // for errors
    std::string path;
    handoff::NodeType type = handoff::NodeType::character;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    // As config.json asks for it. The IDs are those of the namespace from which the device is
    // opened: that of `create`, or for an ordinary user the container's user namespace.
    std::optional<std::uint32_t> mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
};

// A filesystem that shows a namespace which belongs to another user namespace than the container's:
// only `create` can make it. For the mount hook it is a bind.
struct OuterFilesystem {
    std::string pointer;  // of the mount: "/mounts/0"
    NamespaceToJoin shown;
};

// Something of the host that gets into the container as a mount: `create` makes a copy of it, and
// sends that by its number.
struct MountSource {
    std::string pointer;  // for errors
    std::string path;
    bool recursive = false;
    // A filesystem is before it in the list. The kernel lists mounts in the order in which they
    // are made, which must be their order in config.json: so it is not copied earlier.
    bool late = false;
    std::optional<std::uint32_t> mount;   // it is for this one of HookPlan::mounts
    std::optional<std::uint32_t> device;  // it must be this one of HostPlan::devices
    // It is not a copy, but a new filesystem of the mount's type that shows this namespace.
    std::optional<NamespaceToJoin> shown;
};

// The container's scope, where systemd manages the cgroups.
struct UnitPlan {
    std::string slice;  // "system.slice"
    std::string scope;  // "lxcri-c1.scope"
    std::vector<handoff::UnitProperty> properties;
};

struct CgroupPlan {
    std::string path;       // below the mount points; "": the container has none
    cgroup::Layout layout;  // the hierarchies that it is made in; none without a path
    std::optional<UnitPlan> unit;
    std::optional<std::uint32_t> owner;  // the host's uid to which it is given
    std::string delegate;                // below it, for the container process; "": none
    // Only root of the host can limit access to devices, and only for root it is necessary: no
    // other user can make a device node (mknod(2)), and existing nodes have their owners and modes.
    bool limits_devices = true;
    std::optional<oci::Resources> resources;
};

// The part that `create` itself carries out, in the runtime namespaces; and what `start`, `exec`,
// `delete` and others have to know later.
struct HostPlan {
    std::string id;
    std::string bundle;
    std::string oci_version;
    std::map<std::string, std::string> annotations;
    std::string rootfs;
    bool system = false;    // a system container: system_container.h
    bool restarts = false;  // when its first process calls reboot(2)
    // As config.json lists them, and the mappings that the user namespace really has.
    std::vector<oci::Namespace> listed_namespaces;
    std::vector<oci::IdMapping> uid_mappings;
    std::vector<oci::IdMapping> gid_mappings;
    // Those that must be joined.
    std::vector<NamespaceToJoin> namespaces;
    // The mount namespace that the container shares with others: the runtime's, or one by its path.
    // Empty if it gets one of its own.
    std::optional<NamespaceToJoin> shared_mounts;
    std::vector<NetDeviceMove> net_devices;
    // Made by `create` (HookPlan::DeviceWay), or copied from the host.
    std::vector<OuterDevice> devices;
    std::vector<OuterFilesystem> filesystems;
    std::vector<MountSource> sources;  // in the order in which they are sent
    CgroupPlan cgroup;
    std::optional<oci::IntelRdt> resctrl;
    ProcessLimits limits;
    std::optional<oci::ExecCpuAffinity> exec_cpus;  // of processes that `exec` adds
    std::string listener_path;                      // of the seccomp agent; "": none
    std::optional<std::string> listener_metadata;
    std::vector<handoff::Hook> prestart;
    std::vector<handoff::Hook> create_runtime;
    std::vector<handoff::Hook> poststart;
    std::vector<handoff::Hook> poststop;
    HookFiles hook_files;

    // The listed one; nullptr: the container shares the runtime's.
    const oci::Namespace* find_namespace(oci::NamespaceType type) const {
        for (const auto& entry : listed_namespaces) {
            if (entry.type == type) return &entry;
        }
        return nullptr;
    }
};

struct Plan {
    HostPlan host;
    handoff::StartPlan start;
    handoff::HookPlan hook;
    handoff::InitPlan init;
    std::vector<std::string> warnings;
};

// Throws SpecError for what cannot be done as asked.
Plan translate(const oci::Spec& spec, const Host& host);

// The place of the container's cgroup. The facts about it in Host (may_make_cgroup, cgroups) must
// be found before translate().
struct CgroupPlace {
    std::string path;  // below the mount points; "": the container has none
    std::optional<cgroup::UnitName> unit;
};
CgroupPlace place_cgroup(const oci::Spec& spec, const Host& host);

// The warning for a property that is not applied because a setting switches it off.
std::string switched_off(std::string_view pointer, std::string_view setting);

// Of what the plan says of the process otherwise.
handoff::FilterLoading filter_loading(const handoff::ProcessPlan& process);

// What `exec` needs: only the parts of the plan that make a process. spec.process is the process to
// start; of the rest of `spec` only the user namespace is looked at.
Plan translate_exec(const oci::Spec& spec, const Host& host);
// Adds to what is in `sets`: in the bounding, permitted and effective set; ambient where it can
// be. What cannot be granted is a warning.
void add_capabilities(const std::vector<std::string>& names, const oci::Spec& spec,
                      const Host& host, handoff::CapabilitySets& sets,
                      std::vector<std::string>& warnings);

// The state document of this container with the status, for hooks.
oci::State make_state(const HostPlan& plan, oci::Status status);

// The liblxc part as a liblxc configuration file.
std::string lxc_config_text(const handoff::StartPlan& start);
// Whether fields with the value of a new structure are left out, or printed as all others.
enum class Defaults { shown, left_out };
// The whole plan as indented JSON. A system call filter is its length and a checksum.
std::string plan_json(const Plan& plan, Defaults defaults = Defaults::shown);

// ---------------------------------------------------------------- fields

template <class V>
void visit_fields(V& visit, ProcessLimits& limits) {
    visit("rlimits", limits.rlimits);
    visit("oomScoreAdj", limits.oom_score_adj);
    visit("inheritsOomScoreAdj", limits.inherits_oom_score_adj);
    visit("scheduler", limits.scheduler);
    visit("ioPriority", limits.io_priority);
}

template <class V>
void visit_fields(V& visit, NamespaceToJoin& entry) {
    visit("pointer", entry.pointer);
    visit("type", entry.type);
    visit("path", entry.path);
    visit("cloneFlag", entry.clone_flag);
}

template <class V>
void visit_fields(V& visit, NetDeviceMove& device) {
    visit("pointer", device.pointer);
    visit("namePointer", device.name_pointer);
    visit("name", device.name);
    visit("newName", device.new_name);
}

template <class V>
void visit_fields(V& visit, OuterDevice& device) {
    visit("pointer", device.pointer);
    visit("path", device.path);
    visit("type", device.type);
    visit("major", device.major);
    visit("minor", device.minor);
    visit("mode", device.mode);
    visit("uid", device.uid);
    visit("gid", device.gid);
}

template <class V>
void visit_fields(V& visit, OuterFilesystem& filesystem) {
    visit("pointer", filesystem.pointer);
    visit("shown", filesystem.shown);
}

template <class V>
void visit_fields(V& visit, MountSource& source) {
    visit("pointer", source.pointer);
    visit("path", source.path);
    visit("recursive", source.recursive);
    visit("late", source.late);
    visit("mount", source.mount);
    visit("device", source.device);
    visit("shown", source.shown);
}

template <class V>
void visit_fields(V& visit, HookFiles& files) {
    visit("out", files.out);
    visit("err", files.err);
}

template <class V>
void visit_fields(V& visit, UnitPlan& unit) {
    visit("slice", unit.slice);
    visit("scope", unit.scope);
    visit("properties", unit.properties);
}

template <class V>
void visit_fields(V& visit, CgroupPlan& plan) {
    visit("path", plan.path);
    visit("layout", plan.layout);
    visit("unit", plan.unit);
    visit("owner", plan.owner);
    visit("delegate", plan.delegate);
    visit("limitsDevices", plan.limits_devices);
    visit("resources", plan.resources);
}

template <class V>
void visit_fields(V& visit, HostPlan& plan) {
    visit("id", plan.id);
    visit("bundle", plan.bundle);
    visit("ociVersion", plan.oci_version);
    visit("annotations", plan.annotations);
    visit("rootfs", plan.rootfs);
    visit("system", plan.system);
    visit("restarts", plan.restarts);
    visit("namespaces", plan.listed_namespaces);
    visit("uidMappings", plan.uid_mappings);
    visit("gidMappings", plan.gid_mappings);
    visit("joinNamespaces", plan.namespaces);
    visit("sharedMounts", plan.shared_mounts);
    visit("netDevices", plan.net_devices);
    visit("devices", plan.devices);
    visit("filesystems", plan.filesystems);
    visit("sources", plan.sources);
    visit("cgroup", plan.cgroup);
    visit("resctrl", plan.resctrl);
    visit("limits", plan.limits);
    visit("execCpus", plan.exec_cpus);
    visit("listenerPath", plan.listener_path);
    visit("listenerMetadata", plan.listener_metadata);
    visit("prestart", plan.prestart);
    visit("createRuntime", plan.create_runtime);
    visit("poststart", plan.poststart);
    visit("poststop", plan.poststop);
    visit("hookFiles", plan.hook_files);
}

template <class V>
void visit_fields(V& visit, Plan& plan) {
    visit("create", plan.host);
    visit("start", plan.start);
    visit("hook", plan.hook);
    visit("init", plan.init);
    visit("warnings", plan.warnings);
}

}  // namespace lxcri::translate
