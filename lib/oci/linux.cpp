#include "oci/linux.h"

#include "oci/readers.h"

namespace lxcri::oci {

static void read(const JsonValue& json, NetDevice& device) {
    const JsonObject object(json);
    object.optional("name", device.name);
}

static void read(const JsonValue& json, IntelRdt& rdt) {
    const JsonObject object(json);
    object.optional("closID", rdt.clos_id);
    if (rdt.clos_id && rdt.clos_id->empty()) rdt.clos_id.reset();  // Go writers: "not set"
    object.optional("schemata", rdt.schemata);
    object.optional("l3CacheSchema", rdt.l3_cache_schema);
    object.optional("memBwSchema", rdt.mem_bw_schema);
    object.optional("enableMonitoring", rdt.enable_monitoring);
}

static void read(const JsonValue& json, MemoryPolicyMode& mode) {
    mode = json.one_of(kMemoryPolicyModes);
}

static void read(const JsonValue& json, MemoryPolicyFlag& flag) {
    flag = json.one_of(kMemoryPolicyFlags);
}

static void read(const JsonValue& json, MemoryPolicy& policy) {
    const JsonObject object(json);
    object.required("mode", policy.mode);
    object.optional("nodes", policy.nodes);
    object.optional("flags", policy.flags);
}

static void read(const JsonValue& json, PersonalityDomain& domain) {
    domain = json.one_of(kPersonalityDomains);
}

static void read(const JsonValue& json, Personality& personality) {
    const JsonObject object(json);
    object.required("domain", personality.domain);
    object.optional("flags", personality.flags);
}

// Go writers leave it empty for "not set".
static void read(const JsonValue& json, std::optional<Propagation>& propagation) {
    if (!json.string().empty()) propagation = json.one_of(kPropagations);
}

void read(const JsonValue& json, Linux& section) {
    const JsonObject object(json);
    object.optional("namespaces", section.namespaces);
    object.optional("uidMappings", section.uid_mappings);
    object.optional("gidMappings", section.gid_mappings);
    object.optional("timeOffsets", section.time_offsets);
    object.optional("devices", section.devices);
    object.optional("netDevices", section.net_devices);
    object.optional("cgroupsPath", section.cgroups_path);
    object.optional("resources", section.resources);
    object.optional("sysctl", section.sysctl);
    object.optional("seccomp", section.seccomp);
    object.optional("rootfsPropagation", section.rootfs_propagation);
    object.optional("maskedPaths", section.masked_paths);
    object.optional("readonlyPaths", section.readonly_paths);
    object.optional("mountLabel", section.mount_label);
    object.optional("intelRdt", section.intel_rdt);
    object.optional("memoryPolicy", section.memory_policy);
    object.optional("personality", section.personality);
}

}  // namespace lxcri::oci
