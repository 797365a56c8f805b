#include "host/features.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/enum_table.h"
#include "oci/linux.h"
#include "oci/names.h"
#include "oci/namespaces.h"
#include "oci/properties.h"
#include "oci/seccomp.h"
#include "seccomp/load.h"
#include "translate/mount_options.h"

namespace lxcri::host {

namespace {

using Json = nlohmann::ordered_json;

// The tables that also read config.json: a name that is printed is one that is accepted.
template <class Value, std::size_t N>
Json names_in(const std::array<Named<Value>, N>& table) {
    Json names = Json::array();
    for (const auto& row : table) names.push_back(row.name);
    return names;
}

bool is_applied(std::string_view property) {
    const auto all = oci::properties();
    return std::any_of(all.begin(), all.end(), [&](const oci::Property& row) {
        return row.path == property && row.treatment == oci::Treatment::applied;
    });
}

Json seccomp() {
    Json supported = Json::array();
    for (const auto& row : oci::kSeccompFlags) {
        if (seccomp::kernel_knows(static_cast<std::uint32_t>(row.value))) {
            supported.push_back(row.name);
        }
    }
    return {{"enabled", true},
            {"actions", names_in(oci::kSeccompActions)},
            {"operators", names_in(oci::kSeccompOperators)},
            {"archs", names_in(oci::kSeccompArchs)},
            {"knownFlags", names_in(oci::kSeccompFlags)},
            {"supportedFlags", supported}};
}

Json linux_features() {
    return {
        {"namespaces", names_in(oci::kNamespaceTypes)},
        {"capabilities", names_in(oci::kCapabilities)},
        {"cgroup",
         {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true}}},
        {"seccomp", seccomp()},
        {"apparmor", {{"enabled", true}}},
        {"selinux", {{"enabled", true}}},
        {"intelRdt",
         {{"enabled", is_applied("/linux/intelRdt")},
          {"schemata", is_applied("/linux/intelRdt")},
          {"monitoring", is_applied("/linux/intelRdt")}}},
        {"memoryPolicy",
         {{"modes", names_in(oci::kMemoryPolicyModes)},
          {"flags", names_in(oci::kMemoryPolicyFlags)}}},
        {"mountExtensions", {{"idmap", {{"enabled", is_applied("/mounts/*/uidMappings")}}}}},
        {"netDevices", {{"enabled", is_applied("/linux/netDevices")}}}};
}

}  // namespace

std::string features_json(const std::string& liblxc) {
    Json json = {{"ociVersionMin", "1.0.0"},
                 {"ociVersionMax", "1.3.0"},
                 {"hooks",
                  {"prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                   "poststop"}},
                 {"mountOptions", translate::mount_option_names()},
                 {"linux", linux_features()},
                 {"annotations",
                  {{"org.linuxcontainers.lxcri.version", LXCRI_VERSION},
                   {"org.linuxcontainers.lxcri.liblxc.version", liblxc},
                   {"org.linuxcontainers.lxcri.checkpoint.enabled", LXCRI_CHECKPOINT},
                   // The name that engines look for.
                   {"org.opencontainers.runc.checkpoint.enabled", LXCRI_CHECKPOINT}}},
                 {"potentiallyUnsafeConfigAnnotations",
                  {"org.systemd.property.", "org.linuxcontainers.lxcri."}}};
    return json.dump(2);
}

}  // namespace lxcri::host
