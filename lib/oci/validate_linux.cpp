// The rules of `linux` but for resources and seccomp: runtime-spec config-linux.md.

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/number_list.h"
#include "base/strings.h"
#include "oci/validate_rules.h"

namespace lxcri::oci {

namespace {

void check_namespaces(const Linux& section, std::string_view base) {
    const auto list = concat(base, "/namespaces");
    const auto& entries = section.namespaces;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto same = [&](const Namespace& other) { return other.type == entries[i].type; };
        // config-linux.md: a duplicate type MUST be an error.
        if (std::any_of(entries.data(), entries.data() + i, same)) {
            throw SpecError(
                at(list, i, "/type"),
                concat("duplicate ", in_quotes(name_of(kNamespaceTypes, entries[i].type))));
        }
        if (entries[i].path && !is_absolute(*entries[i].path)) {
            reject(at(list, i, "/path"), in_quotes(*entries[i].path), "an absolute path");
        }
    }
}

void check_id_mappings(const Linux& section, std::string_view base) {
    check_mappings(section.uid_mappings, concat(base, "/uidMappings"));
    check_mappings(section.gid_mappings, concat(base, "/gidMappings"));
    const auto* user = section.find_namespace(NamespaceType::user);
    const auto check = [&](const std::vector<IdMapping>& mappings, std::string_view member) {
        if (user == nullptr && !mappings.empty()) {
            throw SpecError(concat(base, member), "given without a user namespace");
        }
        if (user != nullptr && !user->path && mappings.empty()) {
            throw SpecError(concat(base, member), "missing, a new user namespace requires it");
        }
    };
    check(section.uid_mappings, "/uidMappings");
    check(section.gid_mappings, "/gidMappings");
}

void check_time_offsets(const Linux& section, std::string_view base) {
    const auto& offsets = section.time_offsets;
    if (!offsets.monotonic && !offsets.boottime) return;
    const auto* entry = section.find_namespace(NamespaceType::time);
    if (entry == nullptr || entry->path) {
        throw SpecError(concat(base, "/timeOffsets"), "given without a new time namespace");
    }
    const auto check = [&](std::string_view clock, const std::optional<TimeOffset>& offset) {
        if (offset && offset->nanosecs >= 1'000'000'000) {
            reject(concat(base, "/timeOffsets/", clock, "/nanosecs"),
                   std::to_string(offset->nanosecs), "0 to 999999999");
        }
    };
    check("monotonic", offsets.monotonic);
    check("boottime", offsets.boottime);
}

// A dev_t of Linux has 12 bits for the major and 20 for the minor number.
void check_device_number(std::optional<std::int64_t> number, std::int64_t most,
                         std::string pointer) {
    if (!number) throw SpecError(std::move(pointer), "missing, required unless the type is \"p\"");
    if (*number < 0 || *number > most) {
        reject(std::move(pointer), std::to_string(*number), concat("0 to ", std::to_string(most)));
    }
}

void check_devices(const Linux& section, std::string_view base) {
    const auto list = concat(base, "/devices");
    for (std::size_t i = 0; i < section.devices.size(); ++i) {
        const auto& device = section.devices[i];
        if (!is_absolute(device.path)) {
            reject(at(list, i, "/path"), in_quotes(device.path), "an absolute path");
        }
        if (device.type == DeviceType::fifo) continue;
        check_device_number(device.major, 0xfff, at(list, i, "/major"));
        check_device_number(device.minor, 0xfffff, at(list, i, "/minor"));
    }
}

void warn_about_devices(const Linux& section, std::string_view base, Warnings& warnings) {
    std::set<std::string_view> paths;
    for (std::size_t i = 0; i < section.devices.size(); ++i) {
        if (paths.insert(section.devices[i].path).second) continue;
        warn(warnings, at(concat(base, "/devices"), i, "/path"),
             concat("duplicate ", in_quotes(section.devices[i].path)));
    }
}

// dev_valid_name() of the kernel. No device has '%' in its name, because the kernel takes it for a
// request to choose a number.
bool is_interface_name(std::string_view name) {
    return !name.empty() && name.size() < 16 && name != "." && name != ".." &&
           name.find_first_of("/:% \t\n\v\f\r") == std::string_view::npos;
}

// config-linux.md "Network Devices": a template is made "by appending %d".
bool is_template(std::string_view name) {
    return name.ends_with("%d");
}

bool is_interface_name_or_template(std::string_view name) {
    if (!is_template(name)) return is_interface_name(name);
    return is_interface_name(name.substr(0, name.size() - 2)) && name.size() < 16;
}

void check_net_devices(const Linux& section, std::string_view base) {
    if (section.net_devices.empty()) return;
    const auto map = concat(base, "/netDevices");
    if (section.find_namespace(NamespaceType::network) == nullptr) {
        throw SpecError(map, "given without a network namespace");
    }
    std::set<std::string_view> names;  // in the container
    for (const auto& [name, device] : section.net_devices) {
        if (!is_interface_name(name)) {
            throw SpecError(at_key(map, name), "the key is not the name of a network device");
        }
        if (device.name && !is_interface_name_or_template(*device.name)) {
            reject(concat(at_key(map, name), "/name"), in_quotes(*device.name),
                   "the name of a network device");
        }
        const std::string_view new_name = device.name ? *device.name : name;
        if (!is_template(new_name) && !names.insert(new_name).second) {
            throw SpecError(at_key(map, name), concat("two devices would be ", in_quotes(new_name),
                                                      " in the container"));
        }
    }
}

void check_cgroups_path(const Linux& section, std::string_view base) {
    if (section.cgroups_path && has_parent_component(*section.cgroups_path)) {
        reject(concat(base, "/cgroupsPath"), in_quotes(*section.cgroups_path),
               "a path without \"..\"");
    }
}

// The keys become paths below /proc/sys, with '.' or '/' between the parts.
void check_sysctl(const Linux& section, std::string_view base) {
    const auto map = concat(base, "/sysctl");
    for (const auto& [name, value] : section.sysctl) {
        auto dotted = name;
        std::replace(dotted.begin(), dotted.end(), '/', '.');
        const auto parts = split(dotted, '.');
        if (std::any_of(parts.begin(), parts.end(),
                        [](const auto& part) { return part.empty(); })) {
            throw SpecError(at_key(map, name), "the key has an empty part");
        }
        if (dotted == "kernel.hostname") {
            throw SpecError(at_key(map, name), "is set by /hostname, not by sysctl");
        }
    }
}

void check_paths(const std::vector<std::string>& paths, const std::string& list) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!is_absolute(paths[i])) {
            reject(at(list, i), in_quotes(paths[i]), "an absolute path");
        }
    }
}

void check_masked_paths(const Linux& section, std::string_view base) {
    check_paths(section.masked_paths, concat(base, "/maskedPaths"));
}

void check_readonly_paths(const Linux& section, std::string_view base) {
    check_paths(section.readonly_paths, concat(base, "/readonlyPaths"));
}

void check_schema(std::string_view text, std::string pointer) {
    if (text.find('\n') != std::string_view::npos) {
        throw SpecError(std::move(pointer), "contains a newline");
    }
}

void check_intel_rdt(const Linux& section, std::string_view base) {
    if (!section.intel_rdt) return;
    const auto& rdt = *section.intel_rdt;
    const auto pointer = [&](std::string_view member) {
        return concat(base, "/intelRdt/", member);
    };
    // A directory of resctrl; "/" is the default class.
    const auto& id = rdt.clos_id;
    if (id && id != "/" && (id == "." || id == ".." || id->find_first_of("/\n") != id->npos)) {
        reject(pointer("closID"), in_quotes(*id), "\"/\" or the name of a directory");
    }
    check_schema(rdt.l3_cache_schema.value_or(""), pointer("l3CacheSchema"));
    check_schema(rdt.mem_bw_schema.value_or(""), pointer("memBwSchema"));
    if (rdt.mem_bw_schema && !rdt.mem_bw_schema->starts_with("MB:")) {
        reject(pointer("memBwSchema"), in_quotes(*rdt.mem_bw_schema),
               "a text that begins with MB:");
    }
    for (std::size_t i = 0; i < rdt.schemata.size(); ++i) {
        check_schema(rdt.schemata[i], at(pointer("schemata"), i));
    }
}

void warn_about_intel_rdt(const Linux& section, std::string_view base, Warnings& warnings) {
    if (!section.intel_rdt || !section.intel_rdt->l3_cache_schema) return;
    if (!section.intel_rdt->l3_cache_schema->starts_with("L3:")) {
        warn(warnings, concat(base, "/intelRdt/l3CacheSchema"), "does not begin with L3:");
    }
}

// set_mempolicy(2): which modes need nodes and which refuse them.
void check_memory_policy(const Linux& section, std::string_view base) {
    if (!section.memory_policy) return;
    const auto& policy = *section.memory_policy;
    const auto pointer = concat(base, "/memoryPolicy/nodes");
    const auto mode = name_of(kMemoryPolicyModes, policy.mode);
    if (policy.nodes && !parse_number_list(*policy.nodes)) {
        reject(pointer, in_quotes(*policy.nodes), "a list of numbers below 8192 as in \"0-3,7\"");
    }
    const bool has_nodes = policy.nodes && !policy.nodes->empty();
    switch (policy.mode) {
        case MemoryPolicyMode::default_:
        case MemoryPolicyMode::local:
            if (has_nodes) throw SpecError(pointer, concat("given, ", mode, " takes none"));
            break;
        case MemoryPolicyMode::bind:
        case MemoryPolicyMode::interleave:
        case MemoryPolicyMode::weighted_interleave:
        case MemoryPolicyMode::preferred_many:
            if (!has_nodes) throw SpecError(pointer, concat("missing, required by ", mode));
            break;
        case MemoryPolicyMode::preferred:
            break;
    }
}

// The spec: there are no flags yet; an unknown value MUST be an error.
void check_personality(const Linux& section, std::string_view base) {
    if (!section.personality || section.personality->flags.empty()) return;
    reject(concat(base, "/personality/flags/0"), in_quotes(section.personality->flags[0]),
           "no flags at all");
}

constexpr std::array kRules{
    check_namespaces,     check_id_mappings,  check_time_offsets,  check_devices,
    check_net_devices,    check_cgroups_path, check_sysctl,        check_masked_paths,
    check_readonly_paths, check_intel_rdt,    check_memory_policy, check_personality,
};

}  // namespace

void check_linux(const Linux& section, std::string_view base, Warnings& warnings) {
    for (const auto rule : kRules) rule(section, base);
    warn_about_devices(section, base, warnings);
    warn_about_intel_rdt(section, base, warnings);
    if (section.resources) check_resources(*section.resources, concat(base, "/resources"));
    if (section.seccomp) check_seccomp(*section.seccomp, concat(base, "/seccomp"));
}

}  // namespace lxcri::oci
