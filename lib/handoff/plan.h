#pragma once
// What `lxcri create` and `lxcri exec` decide and their helpers carry out. Plain values: made by
// translate/, printed by `lxcri translate`, sent over the channel (channel.h), never touched again.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/enum_table.h"

namespace lxcri::handoff {

// In the order of kHookKinds.
enum class HookKind : std::uint8_t {
    prestart,
    create_runtime,
    create_container,
    start_container,
    poststart,
    poststop,
};

// The names below /hooks.
inline constexpr std::array<Named<HookKind>, 6> kHookKinds{{
    {"prestart", HookKind::prestart},
    {"createRuntime", HookKind::create_runtime},
    {"createContainer", HookKind::create_container},
    {"startContainer", HookKind::start_container},
    {"poststart", HookKind::poststart},
    {"poststop", HookKind::poststop},
}};

// An OCI hook, ready to run (run_hooks.h).
struct Hook {
    HookKind kind = HookKind::prestart;
    std::uint32_t index = 0;  // in the list of its kind
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    // Without `env`: the environment of the runtime, or in the container that of the process.
    bool inherits_env = false;
    std::int64_t timeout = 0;  // seconds; 0: none
};

// The state document for hooks that run where only the helper knows the pid: the JSON text before
// and after the number.
struct StateTemplate {
    std::string before_pid;
    std::string after_pid;
};

// ---------------------------------------------------------------- lxcri-start

struct LxcItem {
    std::string key;
    std::string value;
};

// With it come the files `tasks` of version 1 and, last, the directory of version 2.
struct CgroupPlan {
    bool has_unified = false;
};

struct StartPlan {
    std::string id;
    std::string runtime_root;
    std::vector<LxcItem> items;  // for set_config_item, in this order
    // Types ("net", "pid", ...) whose descriptors come with the plan, in the same order:
    // lxc.namespace.share.TYPE, or for "time" a setns before liblxc starts (P26). An ordinary
    // user's lxcri-start goes into the "user" namespace before anything else.
    std::vector<std::string> shared_namespaces;
    // For /proc/self/timens_offsets of a new time namespace (time_namespaces(7)); empty: liblxc
    // makes it, without offsets, where there is to be one.
    std::string time_offsets;
    bool keep_monitor = false;
    // For a kept monitor: the container's cgroups as lines of cgroups(7), with the paths below the
    // mount points. Empty: it has none.
    std::string cgroups;
    bool ends_with_caller =
        false;                 // a kept monitor all the same ends with the process that began it
    bool keep_groups = false;  // liblxc does not drop those of the caller
};

// ---------------------------------------------------------------- lxcri-hook

// The place of the mount that covers the root, for lxcri-init: a directory of each procfs.
inline constexpr const char* kCoveringRoot = "/proc/driver";

enum class MountKind : std::uint8_t {
    bind,        // a detached copy of the source comes over the channel
    filesystem,  // made in the container's namespaces
    symlink,     // no mount: a link to `source` at `destination`
    attributes,  // no mount: changes the one at `destination`
};

struct MountAction {
    std::string pointer;      // "/mounts/3"
    std::string destination;  // as seen in the container
    MountKind kind = MountKind::filesystem;
    std::string type;    // of a filesystem
    std::string source;  // bind: path on the host; else the name it shows
    // Of the copies that `create` makes of sources (HostPlan::sources): the number of this one's.
    std::optional<std::uint32_t> source_index;
    // It is made when it is asked for; all others are sent ahead.
    bool source_late = false;
    bool recursive = false;  // rbind
    // A bind that config.json does not name as one: where the kernel gives the source only with the
    // mounts below, they come along.
    bool takes_mounts_below = false;
    // The source is in the root filesystem, where earlier mounts may cover it: the mount hook looks
    // it up inside the root when it comes to this mount.
    bool source_inside = false;
    bool source_nofollow = false;       // a link at the end of the source is meant itself
    bool destination_nofollow = false;  // likewise at the end of the destination
    bool copy_symlink = false;          // make a link with the same text
    // ID mappings of the mount, as in /proc/PID/uid_map; empty: none. For `create`, which makes the
    // copy of the source.
    std::string uid_map;
    std::string gid_map;
    bool recursive_map = false;  // ridmap
    bool copy_up = false;        // tmpcopyup: begin with a copy of what is covered
    std::uint64_t set = 0;       // MOUNT_ATTR_* of the mount itself
    std::uint64_t clear = 0;     //
    std::uint64_t clear_if_allowed =
        0;                            // of the source's mount, where the kernel has not locked it
    std::uint64_t recursive_set = 0;  // MOUNT_ATTR_* of it and all below
    std::uint64_t recursive_clear = 0;
    std::vector<std::uint64_t> propagation;  // MS_SHARED ... with or without MS_REC, in order
    std::vector<std::string> flags;          // of the filesystem: "sync", "dirsync", ...
    std::vector<std::string> data;           // "key" or "key=value" for the filesystem
    std::string label;                       // SELinux's, of a filesystem that has no context=
};

enum class NodeType : std::uint8_t { character, block, fifo };

struct DeviceNode {
    std::string pointer;  // "/linux/devices/0"; empty for the default devices
    std::string path;
    NodeType type = NodeType::character;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::uint32_t mode = 0666;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    // Of one that is bound: the number of its copy, or its name in the tmpfs of made_devices.
    std::optional<std::uint32_t> source_index;
};

struct Sysctl {
    std::string key;   // as written
    std::string path;  // below /proc/sys
    std::string value;
};

struct HookPlan {
    // The mounts are made in a namespace that is not the container's alone. Its descriptor comes
    // with the plan, after that of /dev/null if there is one.
    bool shares_mounts = false;
    std::uint64_t root_propagation = 0;  // MS_*, of the root filesystem; 0: private
    std::vector<MountAction> mounts;
    bool set_up_dev = true;     // false if the bundle binds something on /dev
    bool bind_devices = false;  // host nodes come over the channel instead of mknod
    // They are nodes that `create` has made: "0", "1" and so on in a tmpfs that comes with the
    // plan, after the descriptor of /dev/null if there is one.
    bool made_devices = false;
    std::vector<DeviceNode> devices;
    bool console = false;         // make the file on which lxcri-init mounts the terminal
    bool temporary_proc = false;  // the bundle has no /proc, but lxcri-init is started through it
    bool loopback_up = false;
    bool net_devices = false;  // some are moved into the network namespace: tell create and wait
    std::vector<Sysctl> sysctls;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;     // of what covers masked directories; empty: none
    bool runtime_hooks = false;  // prestart or createRuntime: tell create and wait
    std::vector<Hook> create_container;
    StateTemplate state;  // status creating
    // These hooks write to files of the caller's choice, which come with the plan.
    bool hook_out = false;
    bool hook_err = false;
};

// ---------------------------------------------------------------- lxcri-init and lxcri-exec

// Bit n stands for the capability with the number n.
struct CapabilitySets {
    std::uint64_t bounding = 0;
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
    std::uint64_t ambient = 0;
};

// Characters. Both 0: as the kernel makes it.
struct TerminalSize {
    std::uint16_t height = 0;
    std::uint16_t width = 0;
};

// set_mempolicy(2).
struct MemoryPolicy {
    std::int32_t mode = 0;             // MPOL_* with MPOL_F_*
    std::vector<std::uint64_t> nodes;  // bit n of word n / 64
};

// When the process loads its system call filter: seccomp(2) wants no_new_privs or CAP_SYS_ADMIN.
enum class FilterLoading : std::uint8_t {
    none,
    as_root,       // on the way to the user, who need not have the privilege
    before_ready,  // with no_new_privs and a listener, which the runtime has to get
    last,          // with no_new_privs: it has to allow little of what we do ourselves
};

struct ProcessPlan {
    bool terminal = false;
    TerminalSize terminal_size;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    bool keep_groups = false;  // the caller's instead
    std::uint32_t umask = 0022;
    CapabilitySets capabilities;
    bool no_new_privileges = false;
    std::string apparmor_profile;  // empty: none
    std::string selinux_label;     // empty: none
    std::string session_keyring;   // empty: stay in the caller's
    // Bit n of word n / 64; empty: all that the cgroup has; absent: leave it to the kernel.
    std::optional<std::vector<std::uint64_t>> cpus;
    std::optional<MemoryPolicy> memory_policy;
    std::optional<std::uint32_t> personality;  // personality(2)
    std::string seccomp_program;               // an array of sock_filter; empty: no filter
    std::uint32_t seccomp_flags = 0;
    bool seccomp_listener = false;  // loading it gives a listener, for create
    FilterLoading filter_loading = FilterLoading::none;
    std::uint32_t preserved_fds = 0;  // 3 .. 3+n-1, LISTEN_FDS and --preserve-fds
    std::uint32_t open_stdio = 0;     // bit n: the caller's descriptor n is open
};

// The body of Recorded and StartNow: limits that the process has to set on itself, because the
// runtime may not (prlimit(2): another user, without CAP_SYS_RESOURCE).
struct OwnLimit {
    std::string name;  // with its pointer, for errors
    std::int32_t resource = 0;
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};
struct OwnLimits {
    std::vector<OwnLimit> limits;
};

struct InitPlan {
    bool shares_mounts = false;  // two descriptors come with the plan: the namespace, the root
    bool has_process = false;
    ProcessPlan process;
    std::vector<std::string> added_env;  // of this process alone, not of those that `exec` adds
    std::string hostname;                // empty: leave it
    std::string domainname;
    bool temporary_proc = false;  // take it away before the container process starts
    bool readonly_root = false;
    bool covered_root = false;             // a bind mount is on "/": that becomes the root
    bool has_propagation = false;          // the mount hook has made some mounts shared or slaves
    std::uint64_t root_propagation = 0;    // MS_SHARED or MS_UNBINDABLE of /, which is set last
    std::string termination_message_path;  // file that gets the reason of a failed start; "": none
    std::vector<Hook> start_container;
    StateTemplate state;    // status created
    bool hook_out = false;  // as in HookPlan
    bool hook_err = false;
    // init enters its memory cgroup by itself, through a descriptor that comes with the plan, and
    // only then makes the cgroup namespace.
    bool enters_cgroup = false;
    bool new_cgroup_namespace = false;
};

// ---------------------------------------------------------------- lxcri-exec

struct JoinPlan {
    std::uint64_t namespaces = 0;  // CLONE_NEW*, of the container's init
    // Where the mounts are shared with others: the container's root, not that of the namespace, and
    // the ID of the mount that must be there. Else "".
    std::string root;
    std::uint64_t root_mount_id = 0;
    ProcessPlan process;
};

// ---------------------------------------------------------------- fields

template <class V>
void visit_fields(V& visit, Hook& hook) {
    visit("kind", hook.kind);
    visit("index", hook.index);
    visit("path", hook.path);
    visit("args", hook.args);
    visit("env", hook.env);
    visit("inheritsEnv", hook.inherits_env);
    visit("timeout", hook.timeout);
}

template <class V>
void visit_fields(V& visit, StateTemplate& state) {
    visit("beforePid", state.before_pid);
    visit("afterPid", state.after_pid);
}

template <class V>
void visit_fields(V& visit, LxcItem& item) {
    visit("key", item.key);
    visit("value", item.value);
}

template <class V>
void visit_fields(V& visit, CgroupPlan& plan) {
    visit("hasUnified", plan.has_unified);
}

template <class V>
void visit_fields(V& visit, StartPlan& plan) {
    visit("id", plan.id);
    visit("runtimeRoot", plan.runtime_root);
    visit("items", plan.items);
    visit("sharedNamespaces", plan.shared_namespaces);
    visit("timeOffsets", plan.time_offsets);
    visit("keepMonitor", plan.keep_monitor);
    visit("cgroups", plan.cgroups);
    visit("endsWithCaller", plan.ends_with_caller);
    visit("keepGroups", plan.keep_groups);
}

template <class V>
void visit_fields(V& visit, MountAction& mount) {
    visit("pointer", mount.pointer);
    visit("destination", mount.destination);
    visit("kind", mount.kind);
    visit("type", mount.type);
    visit("source", mount.source);
    visit("sourceIndex", mount.source_index);
    visit("sourceLate", mount.source_late);
    visit("recursive", mount.recursive);
    visit("takesMountsBelow", mount.takes_mounts_below);
    visit("sourceInside", mount.source_inside);
    visit("sourceNofollow", mount.source_nofollow);
    visit("destinationNofollow", mount.destination_nofollow);
    visit("copySymlink", mount.copy_symlink);
    visit("uidMap", mount.uid_map);
    visit("gidMap", mount.gid_map);
    visit("recursiveMap", mount.recursive_map);
    visit("copyUp", mount.copy_up);
    visit("set", mount.set);
    visit("clear", mount.clear);
    visit("clearIfAllowed", mount.clear_if_allowed);
    visit("recursiveSet", mount.recursive_set);
    visit("recursiveClear", mount.recursive_clear);
    visit("propagation", mount.propagation);
    visit("flags", mount.flags);
    visit("data", mount.data);
    visit("label", mount.label);
}

template <class V>
void visit_fields(V& visit, DeviceNode& node) {
    visit("pointer", node.pointer);
    visit("path", node.path);
    visit("type", node.type);
    visit("major", node.major);
    visit("minor", node.minor);
    visit("mode", node.mode);
    visit("uid", node.uid);
    visit("gid", node.gid);
    visit("sourceIndex", node.source_index);
}

template <class V>
void visit_fields(V& visit, Sysctl& sysctl) {
    visit("key", sysctl.key);
    visit("path", sysctl.path);
    visit("value", sysctl.value);
}

template <class V>
void visit_fields(V& visit, HookPlan& plan) {
    visit("sharesMounts", plan.shares_mounts);
    visit("rootPropagation", plan.root_propagation);
    visit("mounts", plan.mounts);
    visit("setUpDev", plan.set_up_dev);
    visit("bindDevices", plan.bind_devices);
    visit("madeDevices", plan.made_devices);
    visit("devices", plan.devices);
    visit("console", plan.console);
    visit("temporaryProc", plan.temporary_proc);
    visit("loopbackUp", plan.loopback_up);
    visit("netDevices", plan.net_devices);
    visit("sysctls", plan.sysctls);
    visit("maskedPaths", plan.masked_paths);
    visit("readonlyPaths", plan.readonly_paths);
    visit("mountLabel", plan.mount_label);
    visit("runtimeHooks", plan.runtime_hooks);
    visit("createContainer", plan.create_container);
    visit("state", plan.state);
    visit("hookOut", plan.hook_out);
    visit("hookErr", plan.hook_err);
}

template <class V>
void visit_fields(V& visit, CapabilitySets& sets) {
    visit("bounding", sets.bounding);
    visit("effective", sets.effective);
    visit("permitted", sets.permitted);
    visit("inheritable", sets.inheritable);
    visit("ambient", sets.ambient);
}

template <class V>
void visit_fields(V& visit, TerminalSize& size) {
    visit("height", size.height);
    visit("width", size.width);
}

template <class V>
void visit_fields(V& visit, MemoryPolicy& policy) {
    visit("mode", policy.mode);
    visit("nodes", policy.nodes);
}

template <class V>
void visit_fields(V& visit, ProcessPlan& process) {
    visit("terminal", process.terminal);
    visit("terminalSize", process.terminal_size);
    visit("args", process.args);
    visit("env", process.env);
    visit("cwd", process.cwd);
    visit("uid", process.uid);
    visit("gid", process.gid);
    visit("groups", process.groups);
    visit("keepGroups", process.keep_groups);
    visit("umask", process.umask);
    visit("capabilities", process.capabilities);
    visit("noNewPrivileges", process.no_new_privileges);
    visit("apparmorProfile", process.apparmor_profile);
    visit("selinuxLabel", process.selinux_label);
    visit("sessionKeyring", process.session_keyring);
    visit("cpus", process.cpus);
    visit("memoryPolicy", process.memory_policy);
    visit("personality", process.personality);
    visit("seccompProgram", process.seccomp_program);
    visit("seccompFlags", process.seccomp_flags);
    visit("seccompListener", process.seccomp_listener);
    visit("filterLoading", process.filter_loading);
    visit("preservedFds", process.preserved_fds);
    visit("openStdio", process.open_stdio);
}

template <class V>
void visit_fields(V& visit, OwnLimit& limit) {
    visit("name", limit.name);
    visit("resource", limit.resource);
    visit("soft", limit.soft);
    visit("hard", limit.hard);
}

template <class V>
void visit_fields(V& visit, OwnLimits& limits) {
    visit("limits", limits.limits);
}

template <class V>
void visit_fields(V& visit, InitPlan& plan) {
    visit("sharesMounts", plan.shares_mounts);
    visit("hasProcess", plan.has_process);
    visit("process", plan.process);
    visit("addedEnv", plan.added_env);
    visit("hostname", plan.hostname);
    visit("domainname", plan.domainname);
    visit("temporaryProc", plan.temporary_proc);
    visit("readonlyRoot", plan.readonly_root);
    visit("coveredRoot", plan.covered_root);
    visit("hasPropagation", plan.has_propagation);
    visit("rootPropagation", plan.root_propagation);
    visit("terminationMessagePath", plan.termination_message_path);
    visit("startContainer", plan.start_container);
    visit("state", plan.state);
    visit("hookOut", plan.hook_out);
    visit("hookErr", plan.hook_err);
    visit("entersCgroup", plan.enters_cgroup);
    visit("newCgroupNamespace", plan.new_cgroup_namespace);
}

template <class V>
void visit_fields(V& visit, JoinPlan& plan) {
    visit("namespaces", plan.namespaces);
    visit("root", plan.root);
    visit("rootMountId", plan.root_mount_id);
    visit("process", plan.process);
}

}  // namespace lxcri::handoff
