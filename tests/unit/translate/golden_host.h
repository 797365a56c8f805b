#pragma once
// translate::Host as a JSON document: the facts about the machine that a golden case assumes.

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "oci/names.h"
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

inline cgroup::Driver driver_from(const std::string& name) {
    if (name == "systemd") return cgroup::Driver::systemd;
    REQUIRE(name == "disabled");
    return cgroup::Driver::disabled;
}

// A list of the names of settings.
inline void switch_off(const nlohmann::json& names, translate::Switches& switches) {
    const std::map<std::string, bool translate::Switches::*> members{
        {"apparmor", &translate::Switches::apparmor},
        {"capabilities", &translate::Switches::capabilities},
        {"cgroupDevices", &translate::Switches::cgroup_devices},
        {"seccomp", &translate::Switches::seccomp}};
    for (const std::string name : names) switches.*members.at(name) = false;
}

inline translate::Host host_from(const nlohmann::json& json) {
    translate::Host host;
    using Setter = std::function<void(const nlohmann::json&)>;
    const std::map<std::string, Setter> members{
        {"id", [&](const auto& value) { host.id = value; }},
        {"bundle", [&](const auto& value) { host.bundle = value; }},
        {"rootfs", [&](const auto& value) { host.rootfs = value; }},
        {"runtimeRoot", [&](const auto& value) { host.runtime_root = value; }},
        {"libexecDir", [&](const auto& value) { host.libexec_dir = value; }},
        {"agentSocket", [&](const auto& value) { host.agent_socket = value; }},
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
        {"system", [&](const auto& value) { host.system = value; }},
        {"systemAnnotation", [&](const auto& value) { host.system_annotation = value; }},
        {"systemDevices",
         [&](const auto& value) {
             for (const auto& item : value) {
                 host.system_devices.push_back(
                     {item.at("path"), item.at("major"), item.at("minor")});
             }
         }},
        {"randomUuid", [&](const auto& value) { host.random_uuid = value; }},
        {"cgroupDriver", [&](const std::string name) { host.cgroup_driver = driver_from(name); }},
        {"userManager",
         [&](const auto& value) { host.user_manager = value.template get<uid_t>(); }},
        {"switchedOff", [&](const auto& value) { switch_off(value, host.switches); }},
        {"systemdProperties",
         [&](const std::vector<std::string>& names) { host.systemd_properties = names; }},
        {"lxcItems", [&](const std::vector<std::string>& names) { host.lxc_items = names; }},
        {"settingsFile", [&](const auto& value) { host.settings_file = value; }},
        {"keepMonitor", [&](const auto& value) { host.keep_monitor = value; }},
        {"newKeyring", [&](const auto& value) { host.new_keyring = value; }},
        {"preserveFds", [&](const auto& value) { host.preserve_fds = value; }},
        {"listenFds", [&](const auto& value) { host.listen_fds = value; }},
        {"notifyDirectory", [&](const auto& value) { host.notify_directory = value; }},
        {"listenFdnames", [&](const auto& value) { host.listen_fdnames = value; }},
    };
    for (const auto& [name, value] : json.items()) {
        INFO("host.json: " << name);
        REQUIRE(members.contains(name));  // a fact that is not asked for proves nothing
        members.at(name)(value);
    }
    return host;
}

}  // namespace lxcri::test
