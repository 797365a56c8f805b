#pragma once
// The section `linux`: runtime-spec config-linux.md.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/enum_table.h"
#include "oci/devices.h"
#include "oci/id_mapping.h"
#include "oci/namespaces.h"
#include "oci/resources.h"
#include "oci/seccomp.h"

namespace lxcri::oci {

// Mount propagation of /. The names with r are beyond the spec; callers send them.
enum class Propagation {
    shared,
    rshared,
    slave,
    rslave,
    private_,
    rprivate,
    unbindable,
    runbindable,
};

inline constexpr std::array<Named<Propagation>, 8> kPropagations{{
    {"shared", Propagation::shared},
    {"rshared", Propagation::rshared},
    {"slave", Propagation::slave},
    {"rslave", Propagation::rslave},
    {"private", Propagation::private_},
    {"rprivate", Propagation::rprivate},
    {"unbindable", Propagation::unbindable},
    {"runbindable", Propagation::runbindable},
}};

// A network device moved into the container, found by its name on the host.
struct NetDevice {
    std::optional<std::string> name;  // in the container; absent: the same
};

struct IntelRdt {
    std::optional<std::string> clos_id;  // absent: the container's ID
    std::vector<std::string> schemata;   // lines
    std::optional<std::string> l3_cache_schema;
    std::optional<std::string> mem_bw_schema;
    bool enable_monitoring = false;
};

// The values are those of linux/mempolicy.h.
enum class MemoryPolicyMode : int {
    default_ = 0,
    preferred = 1,
    bind = 2,
    interleave = 3,
    local = 4,
    preferred_many = 5,
    weighted_interleave = 6,
};

inline constexpr std::array<Named<MemoryPolicyMode>, 7> kMemoryPolicyModes{{
    {"MPOL_DEFAULT", MemoryPolicyMode::default_},
    {"MPOL_BIND", MemoryPolicyMode::bind},
    {"MPOL_INTERLEAVE", MemoryPolicyMode::interleave},
    {"MPOL_WEIGHTED_INTERLEAVE", MemoryPolicyMode::weighted_interleave},
    {"MPOL_PREFERRED", MemoryPolicyMode::preferred},
    {"MPOL_PREFERRED_MANY", MemoryPolicyMode::preferred_many},
    {"MPOL_LOCAL", MemoryPolicyMode::local},
}};

// The values are those of linux/mempolicy.h.
enum class MemoryPolicyFlag : int {
    numa_balancing = 1 << 13,
    relative_nodes = 1 << 14,
    static_nodes = 1 << 15,
};

inline constexpr std::array<Named<MemoryPolicyFlag>, 3> kMemoryPolicyFlags{{
    {"MPOL_F_NUMA_BALANCING", MemoryPolicyFlag::numa_balancing},
    {"MPOL_F_RELATIVE_NODES", MemoryPolicyFlag::relative_nodes},
    {"MPOL_F_STATIC_NODES", MemoryPolicyFlag::static_nodes},
}};

struct MemoryPolicy {
    MemoryPolicyMode mode = MemoryPolicyMode::default_;
    std::optional<std::string> nodes;  // list format, "0-3,7"
    std::vector<MemoryPolicyFlag> flags;
};

// The values are those of sys/personality.h.
enum class PersonalityDomain : std::uint32_t { linux_ = 0, linux32 = 8 };

inline constexpr std::array<Named<PersonalityDomain>, 2> kPersonalityDomains{{
    {"LINUX", PersonalityDomain::linux_},
    {"LINUX32", PersonalityDomain::linux32},
}};

struct Personality {
    PersonalityDomain domain = PersonalityDomain::linux_;
    std::vector<std::string> flags;  // the spec defines none; validate() refuses any
};

struct Linux {
    std::vector<Namespace> namespaces;  // what is not listed is shared with the runtime
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    TimeOffsets time_offsets;
    std::vector<Device> devices;
    std::map<std::string, NetDevice> net_devices;  // by name on the host
    std::optional<std::string> cgroups_path;       // as written; empty is read as absent
    std::optional<Resources> resources;
    std::map<std::string, std::string> sysctl;
    std::optional<Seccomp> seccomp;
    std::optional<Propagation> rootfs_propagation;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::optional<std::string> mount_label;  // empty is read as absent
    std::optional<IntelRdt> intel_rdt;
    std::optional<MemoryPolicy> memory_policy;
    std::optional<Personality> personality;

    // The entry of this type; nullptr: the container shares the runtime's namespace.
    const Namespace* find_namespace(NamespaceType type) const {
        for (const auto& entry : namespaces) {
            if (entry.type == type) return &entry;
        }
        return nullptr;
    }
};

}  // namespace lxcri::oci
