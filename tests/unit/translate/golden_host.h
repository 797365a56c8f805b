#pragma once
// translate::Host as a JSON document: the facts about the machine that a golden case assumes.

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "oci/names.h"
#include "settings/settings.h"
#include "support/catch.h"
#include "translate/plan.h"

namespace lxcri::test {

// "all", or a list of names.
inline std::uint64_t capabilities_from(const nlohmann::json& json) {
    std::uint64_t set = 0;
    if (json == "all") {
        for (const auto& row : oci::kCapabilities) set |= std::uint64_t{1} << unsigned(row.value);
        return set;
    }
    for (const std::string name : json) {
        set |= std::uint64_t{1} << unsigned(oci::capability_number(name).value());
    }
    return set;
}

inline translate::Host host_from(const nlohmann::json& json) {
    translate::Host host;
    using Setter = std::function<void(const nlohmann::json&)>;
    const std::map<std::string, Setter> members{
        {"id", [&](const auto& value) { host.call.id = value; }},
        {"bundle", [&](const auto& value) { host.call.bundle = value; }},
        {"rootfs", [&](const auto& value) { host.rootfs = value; }},
        {"apparmor", [&](const auto& value) { host.apparmor = value; }},
        {"selinux", [&](const auto& value) { host.selinux = value; }},
        {"privileged", [&](const auto& value) { host.privileged = value; }},
        {"ordinaryUser", [&](const auto& value) { host.ordinary_user = value; }},
        {"boundingCapabilities",
         [&](const auto& value) { host.bounding_capabilities = capabilities_from(value); }},
        {"lastCapability", [&](const auto& value) { host.last_capability = value; }},
        {"unifiedCgroups", [&](const auto& value) { host.unified_cgroups = value; }},
        {"cgroups",
         [&](const auto& value) {
             for (const auto& item : value) {
                 host.cgroups.push_back(
                     {item.at("name"), item.at("mountPoint"), item.at("directory")});
             }
         }},
        {"ownedNamespaces",
         [&](const auto& value) {
             for (const std::string name : value) {
                 host.owned_namespaces.push_back(value_of(oci::kNamespaceTypes, name).value());
             }
         }},
        {"hybridCgroups",
         [&](const auto& value) {
             if (value) host.cgroup_layout.hierarchies.push_back({2, "/sys/fs/cgroup/unified", {}});
         }},
        {"mayMakeCgroup", [&](const auto& value) { host.may_make_cgroup = value; }},
        {"systemDevices",
         [&](const auto& value) {
             for (const auto& item : value) {
                 host.system_devices.push_back(
                     {item.at("path"), item.at("major"), item.at("minor")});
             }
         }},
        {"randomUuid", [&](const auto& value) { host.random_uuid = value; }},
        {"userManager",
         [&](const auto& value) { host.user_manager = value.template get<uid_t>(); }},
        // As lxcri.json has them.
        {"settings",
         [&](const auto& value) { settings::read_settings(value.dump(), host.options); }},
        {"settingsFile", [&](const auto& value) { host.options.settings_file = value; }},
        {"newKeyring", [&](const auto& value) { host.call.new_keyring = value; }},
        {"preserveFds", [&](const auto& value) { host.call.preserve_fds = value; }},
        {"listenFds", [&](const auto& value) { host.call.listen_fds = value; }},
        {"notifyDirectory", [&](const auto& value) { host.call.notify_directory = value; }},
        {"listenFdnames", [&](const auto& value) { host.call.listen_fdnames = value; }},
    };
    for (const auto& [name, value] : json.items()) {
        INFO("host.json: " << name);
        REQUIRE(members.contains(name));  // a fact that is not asked for proves nothing
        members.at(name)(value);
    }
    return host;
}

}  // namespace lxcri::test
