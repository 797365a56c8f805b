#include "oci/properties.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace lxcri::oci {

namespace {

struct Owner {
    Treatment treatment;
    std::string_view by;
};

constexpr Owner by(std::string_view translator) {
    return {Treatment::applied, translator};
}
constexpr Owner ignored(std::string_view reason) {
    return {Treatment::ignored, reason};
}
constexpr Owner kParent{Treatment::parent, ""};
// An object or list of which each part has its own row.
constexpr Owner kParts = by("its parts");
constexpr Owner kOtherPlatform = ignored("of another platform");

constexpr Property row(std::string_view path, Owner owner) {
    return {path, owner.treatment, owner.by};
}

constexpr auto kProperties = std::to_array<Property>({
    row("/ociVersion", by("validate")),

    row("/hooks", by("hooks")),
    row("/hooks/prestart", kParent),
    row("/hooks/prestart/*/path", kParent),
    row("/hooks/prestart/*/args", kParent),
    row("/hooks/prestart/*/env", kParent),
    row("/hooks/prestart/*/timeout", kParent),
    row("/hooks/createRuntime", kParent),
    row("/hooks/createRuntime/*/path", kParent),
    row("/hooks/createRuntime/*/args", kParent),
    row("/hooks/createRuntime/*/env", kParent),
    row("/hooks/createRuntime/*/timeout", kParent),
    row("/hooks/createContainer", kParent),
    row("/hooks/createContainer/*/path", kParent),
    row("/hooks/createContainer/*/args", kParent),
    row("/hooks/createContainer/*/env", kParent),
    row("/hooks/createContainer/*/timeout", kParent),
    row("/hooks/startContainer", kParent),
    row("/hooks/startContainer/*/path", kParent),
    row("/hooks/startContainer/*/args", kParent),
    row("/hooks/startContainer/*/env", kParent),
    row("/hooks/startContainer/*/timeout", kParent),
    row("/hooks/poststart", kParent),
    row("/hooks/poststart/*/path", kParent),
    row("/hooks/poststart/*/args", kParent),
    row("/hooks/poststart/*/env", kParent),
    row("/hooks/poststart/*/timeout", kParent),
    row("/hooks/poststop", kParent),
    row("/hooks/poststop/*/path", kParent),
    row("/hooks/poststop/*/args", kParent),
    row("/hooks/poststop/*/env", kParent),
    row("/hooks/poststop/*/timeout", kParent),

    row("/annotations", by("annotations")),
    row("/annotations/*", kParent),
    row("/hostname", by("hostname")),
    row("/domainname", by("hostname")),

    row("/mounts", by("mounts")),
    row("/mounts/*/destination", kParent),
    row("/mounts/*/type", kParent),
    row("/mounts/*/source", kParent),
    row("/mounts/*/options", kParent),
    row("/mounts/*/uidMappings", by("mount_id_mappings")),
    row("/mounts/*/uidMappings/*/containerID", kParent),
    row("/mounts/*/uidMappings/*/hostID", kParent),
    row("/mounts/*/uidMappings/*/size", kParent),
    row("/mounts/*/gidMappings", by("mount_id_mappings")),
    row("/mounts/*/gidMappings/*/containerID", kParent),
    row("/mounts/*/gidMappings/*/hostID", kParent),
    row("/mounts/*/gidMappings/*/size", kParent),

    row("/root", kParts),
    row("/root/path", by("rootfs")),
    row("/root/readonly", by("rootfs")),

    row("/process", kParts),
    row("/process/args", by("process")),
    row("/process/commandLine", kOtherPlatform),
    row("/process/consoleSize", by("terminal")),
    row("/process/consoleSize/height", kParent),
    row("/process/consoleSize/width", kParent),
    row("/process/cwd", by("process")),
    row("/process/env", by("process")),
    row("/process/terminal", by("terminal")),
    row("/process/user", by("process")),
    row("/process/user/uid", kParent),
    row("/process/user/gid", kParent),
    row("/process/user/umask", kParent),
    row("/process/user/additionalGids", kParent),
    row("/process/user/username", kOtherPlatform),
    row("/process/capabilities", by("capabilities")),
    row("/process/capabilities/bounding", kParent),
    row("/process/capabilities/permitted", kParent),
    row("/process/capabilities/effective", kParent),
    row("/process/capabilities/inheritable", kParent),
    row("/process/capabilities/ambient", kParent),
    row("/process/apparmorProfile", by("labels")),
    row("/process/oomScoreAdj", by("limits")),
    row("/process/selinuxLabel", by("labels")),
    row("/process/ioPriority", by("limits")),
    row("/process/ioPriority/class", kParent),
    row("/process/ioPriority/priority", kParent),
    row("/process/noNewPrivileges", by("process")),
    row("/process/scheduler", by("limits")),
    row("/process/scheduler/policy", kParent),
    row("/process/scheduler/nice", kParent),
    row("/process/scheduler/priority", kParent),
    row("/process/scheduler/flags", kParent),
    row("/process/scheduler/runtime", kParent),
    row("/process/scheduler/deadline", kParent),
    row("/process/scheduler/period", kParent),
    row("/process/rlimits", by("limits")),
    row("/process/rlimits/*/type", kParent),
    row("/process/rlimits/*/soft", kParent),
    row("/process/rlimits/*/hard", kParent),
    // Not for the container process: config.md "Linux Process".
    row("/process/execCPUAffinity", by("exec")),
    row("/process/execCPUAffinity/initial", kParent),
    row("/process/execCPUAffinity/final", kParent),

    row("/linux", kParts),
    row("/linux/namespaces", by("namespaces")),
    row("/linux/namespaces/*/type", kParent),
    row("/linux/namespaces/*/path", kParent),
    row("/linux/uidMappings", by("id_mappings")),
    row("/linux/uidMappings/*/containerID", kParent),
    row("/linux/uidMappings/*/hostID", kParent),
    row("/linux/uidMappings/*/size", kParent),
    row("/linux/gidMappings", by("id_mappings")),
    row("/linux/gidMappings/*/containerID", kParent),
    row("/linux/gidMappings/*/hostID", kParent),
    row("/linux/gidMappings/*/size", kParent),
    row("/linux/timeOffsets", by("namespaces")),
    row("/linux/timeOffsets/boottime", kParent),
    row("/linux/timeOffsets/boottime/secs", kParent),
    row("/linux/timeOffsets/boottime/nanosecs", kParent),
    row("/linux/timeOffsets/monotonic", kParent),
    row("/linux/timeOffsets/monotonic/secs", kParent),
    row("/linux/timeOffsets/monotonic/nanosecs", kParent),
    row("/linux/devices", by("device_nodes")),
    row("/linux/devices/*/type", kParent),
    row("/linux/devices/*/path", kParent),
    row("/linux/devices/*/fileMode", kParent),
    row("/linux/devices/*/major", kParent),
    row("/linux/devices/*/minor", kParent),
    row("/linux/devices/*/uid", kParent),
    row("/linux/devices/*/gid", kParent),
    row("/linux/netDevices", by("net_devices")),
    row("/linux/netDevices/*/name", kParent),
    row("/linux/cgroupsPath", by("cgroup_path")),

    row("/linux/resources", kParts),
    row("/linux/resources/devices", by("device_rules")),
    row("/linux/resources/devices/*/allow", kParent),
    row("/linux/resources/devices/*/type", kParent),
    row("/linux/resources/devices/*/major", kParent),
    row("/linux/resources/devices/*/minor", kParent),
    row("/linux/resources/devices/*/access", kParent),
    row("/linux/resources/memory", kParts),
    row("/linux/resources/memory/limit", by("resources")),
    row("/linux/resources/memory/reservation", by("resources")),
    row("/linux/resources/memory/swap", by("resources")),
    row("/linux/resources/memory/kernel", by("resources")),
    row("/linux/resources/memory/kernelTCP", by("resources")),
    row("/linux/resources/memory/swappiness", by("resources")),
    row("/linux/resources/memory/disableOOMKiller", by("resources")),
    row("/linux/resources/memory/useHierarchy", by("resources")),
    row("/linux/resources/memory/checkBeforeUpdate", by("resources")),
    row("/linux/resources/cpu", kParts),
    row("/linux/resources/cpu/shares", by("resources")),
    row("/linux/resources/cpu/quota", by("resources")),
    row("/linux/resources/cpu/burst", by("resources")),
    row("/linux/resources/cpu/period", by("resources")),
    row("/linux/resources/cpu/realtimeRuntime", by("resources")),
    row("/linux/resources/cpu/realtimePeriod", by("resources")),
    row("/linux/resources/cpu/cpus", by("resources")),
    row("/linux/resources/cpu/mems", by("resources")),
    row("/linux/resources/cpu/idle", by("resources")),
    row("/linux/resources/pids", kParts),
    row("/linux/resources/pids/limit", by("resources")),
    row("/linux/resources/blockIO", kParts),
    row("/linux/resources/blockIO/weight", by("resources")),
    row("/linux/resources/blockIO/leafWeight", by("resources")),
    row("/linux/resources/blockIO/weightDevice", by("resources")),
    row("/linux/resources/blockIO/weightDevice/*/major", kParent),
    row("/linux/resources/blockIO/weightDevice/*/minor", kParent),
    row("/linux/resources/blockIO/weightDevice/*/weight", kParent),
    row("/linux/resources/blockIO/weightDevice/*/leafWeight", kParent),
    row("/linux/resources/blockIO/throttleReadBpsDevice", by("resources")),
    row("/linux/resources/blockIO/throttleReadBpsDevice/*/major", kParent),
    row("/linux/resources/blockIO/throttleReadBpsDevice/*/minor", kParent),
    row("/linux/resources/blockIO/throttleReadBpsDevice/*/rate", kParent),
    row("/linux/resources/blockIO/throttleWriteBpsDevice", by("resources")),
    row("/linux/resources/blockIO/throttleWriteBpsDevice/*/major", kParent),
    row("/linux/resources/blockIO/throttleWriteBpsDevice/*/minor", kParent),
    row("/linux/resources/blockIO/throttleWriteBpsDevice/*/rate", kParent),
    row("/linux/resources/blockIO/throttleReadIOPSDevice", by("resources")),
    row("/linux/resources/blockIO/throttleReadIOPSDevice/*/major", kParent),
    row("/linux/resources/blockIO/throttleReadIOPSDevice/*/minor", kParent),
    row("/linux/resources/blockIO/throttleReadIOPSDevice/*/rate", kParent),
    row("/linux/resources/blockIO/throttleWriteIOPSDevice", by("resources")),
    row("/linux/resources/blockIO/throttleWriteIOPSDevice/*/major", kParent),
    row("/linux/resources/blockIO/throttleWriteIOPSDevice/*/minor", kParent),
    row("/linux/resources/blockIO/throttleWriteIOPSDevice/*/rate", kParent),
    row("/linux/resources/hugepageLimits", by("resources")),
    row("/linux/resources/hugepageLimits/*/pageSize", kParent),
    row("/linux/resources/hugepageLimits/*/limit", kParent),
    row("/linux/resources/network", kParts),
    row("/linux/resources/network/classID", by("resources")),
    row("/linux/resources/network/priorities", by("resources")),
    row("/linux/resources/network/priorities/*/name", kParent),
    row("/linux/resources/network/priorities/*/priority", kParent),
    row("/linux/resources/rdma", by("resources")),
    row("/linux/resources/rdma/*/hcaHandles", kParent),
    row("/linux/resources/rdma/*/hcaObjects", kParent),
    row("/linux/resources/unified", by("resources")),
    row("/linux/resources/unified/*", kParent),

    row("/linux/sysctl", by("sysctl")),
    row("/linux/sysctl/*", kParent),
    row("/linux/seccomp", by("seccomp")),
    row("/linux/seccomp/defaultAction", kParent),
    row("/linux/seccomp/defaultErrnoRet", kParent),
    row("/linux/seccomp/architectures", kParent),
    row("/linux/seccomp/flags", kParent),
    row("/linux/seccomp/listenerPath", kParent),
    row("/linux/seccomp/listenerMetadata", kParent),
    row("/linux/seccomp/syscalls", kParent),
    row("/linux/seccomp/syscalls/*/names", kParent),
    row("/linux/seccomp/syscalls/*/action", kParent),
    row("/linux/seccomp/syscalls/*/errnoRet", kParent),
    row("/linux/seccomp/syscalls/*/args", kParent),
    row("/linux/seccomp/syscalls/*/args/*/index", kParent),
    row("/linux/seccomp/syscalls/*/args/*/value", kParent),
    row("/linux/seccomp/syscalls/*/args/*/valueTwo", kParent),
    row("/linux/seccomp/syscalls/*/args/*/op", kParent),
    row("/linux/rootfsPropagation", by("rootfs")),
    row("/linux/maskedPaths", by("masked_paths")),
    row("/linux/readonlyPaths", by("readonly_paths")),
    row("/linux/mountLabel", by("mount_label")),
    row("/linux/intelRdt", by("resctrl")),
    row("/linux/intelRdt/closID", kParent),
    row("/linux/intelRdt/schemata", kParent),
    row("/linux/intelRdt/l3CacheSchema", kParent),
    row("/linux/intelRdt/memBwSchema", kParent),
    row("/linux/intelRdt/enableMonitoring", kParent),
    row("/linux/memoryPolicy", by("memory_policy")),
    row("/linux/memoryPolicy/mode", kParent),
    row("/linux/memoryPolicy/nodes", kParent),
    row("/linux/memoryPolicy/flags", kParent),
    row("/linux/personality", by("personality")),
    row("/linux/personality/domain", kParent),
    row("/linux/personality/flags", kParent),

    row("/solaris", kOtherPlatform),
    row("/windows", kOtherPlatform),
    row("/vm", kOtherPlatform),
    row("/zos", kOtherPlatform),
    row("/freebsd", kOtherPlatform),
});

// Does the row's path, "/linux/resources/rdma/*/hcaHandles", match the place or one below it?
bool leads_through(std::string_view path, const std::vector<std::string_view>& place) {
    for (const std::string_view name : place) {
        if (path.empty()) return false;
        path.remove_prefix(1);
        const auto step = path.substr(0, path.find('/'));
        if (step != "*" && step != name) return false;
        path.remove_prefix(step.size());
    }
    return true;
}

bool is_known(const std::vector<std::string_view>& place) {
    return std::any_of(kProperties.begin(), kProperties.end(), [&](const Property& property) {
        return leads_through(property.path, place);
    });
}

// Of older versions of the specification, and read all the same.
bool is_old_name(const std::vector<std::string_view>& place) {
    return place.size() >= 3 && place.back() == "pagesize" &&
           place[place.size() - 3] == "hugepageLimits";
}

// Elements of a list are at "*"; a list of plain values is described by its own row.
void find_unknown_in(const JsonValue& json, std::vector<std::string_view>& place,
                     std::vector<std::string>& pointers) {
    const bool is_list = json.type() == JsonType::array;
    if (!is_list && json.type() != JsonType::object) return;
    json.for_each_child([&](const JsonValue& child) {
        const bool is_plain = child.type() != JsonType::array && child.type() != JsonType::object;
        if (is_list && is_plain) return;
        place.push_back(is_list ? std::string_view("0") : child.key());
        if (is_known(place) || is_old_name(place)) {
            find_unknown_in(child, place, pointers);
        } else if (child.is_set()) {
            pointers.push_back(child.pointer());
        }
        place.pop_back();
    });
}

}  // namespace

std::span<const Property> properties() {
    return kProperties;
}

std::vector<std::string> find_unknown(const JsonValue& document, std::string_view base) {
    const auto names = split(base, '/');
    std::vector<std::string_view> place(names.begin() + (names.empty() ? 0 : 1), names.end());
    std::vector<std::string> pointers;
    find_unknown_in(document, place, pointers);
    return pointers;
}

}  // namespace lxcri::oci
