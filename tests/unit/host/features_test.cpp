// features.md: what is listed has to be accepted.
#include "host/features.h"

#include <nlohmann/json.hpp>

#include "oci/parse.h"
#include "oci/validate.h"
#include "runtime/spec_template.h"
#include "support/catch.h"
#include "translate/mount_options.h"

using namespace lxcri;
using nlohmann::json;

namespace {

json features() {
    return json::parse(host::features_json("6.0.4"));
}

json minimal_config() {
    return json::parse(R"({"ociVersion": "1.0.2", "root": {"path": "rootfs"},
                           "process": {"cwd": "/", "args": ["true"]},
                           "linux": {"namespaces": [{"type": "mount"}]}})");
}

void check_accepted(const json& config) {
    INFO(config.dump());
    std::vector<std::string> warnings;
    CHECK_NOTHROW(warnings = oci::validate(oci::parse_spec(config.dump())));
    CHECK(warnings.empty());
}

}  // namespace

TEST_CASE("features: both versions are accepted") {
    const json all = features();
    for (const char* key : {"ociVersionMin", "ociVersionMax"}) {
        json config = minimal_config();
        config["ociVersion"] = all.at(key);
        check_accepted(config);
    }
}

TEST_CASE("features: each hook, namespace and capability is accepted") {
    const json all = features();
    for (const auto& name : all.at("hooks")) {
        json config = minimal_config();
        config["hooks"][std::string(name)] = {{{"path", "/bin/true"}}};
        check_accepted(config);
    }
    for (const auto& name : all.at("linux").at("namespaces")) {
        json config = minimal_config();
        if (name != "mount") config["linux"]["namespaces"].push_back({{"type", name}});
        if (name == "user") {
            const json mapping = {{{"containerID", 0}, {"hostID", 1}, {"size", 1}}};
            config["linux"]["uidMappings"] = mapping;
            config["linux"]["gidMappings"] = mapping;
        }
        check_accepted(config);
    }
    json config = minimal_config();
    config["process"]["capabilities"]["bounding"] = all.at("linux").at("capabilities");
    check_accepted(config);
}

TEST_CASE("features: each mount option is one that we know") {
    const json options = features().at("mountOptions");
    CHECK(options.size() > 50);
    for (const std::string option : options) {
        INFO(option);
        handoff::MountAction action;
        action.type = "tmpfs";
        const bool of_binds = option == "copy-symlink" || option.ends_with("-nofollow");
        action.kind = of_binds ? handoff::MountKind::bind : handoff::MountKind::filesystem;
        std::vector<std::string> warnings;
        CHECK_NOTHROW(translate::sort_mount_options({option}, "/mounts/0", action, warnings));
        CHECK(action.data.empty());
        CHECK(warnings.empty());
    }
    for (const char* option : {"ro", "rro", "rbind", "rslave", "idmap", "nosymfollow"}) {
        INFO(option);
        CHECK(std::find(options.begin(), options.end(), option) != options.end());
    }
}

TEST_CASE("features: what seccomp and memoryPolicy list is accepted") {
    const json section = features().at("linux");
    for (const auto& action : section.at("seccomp").at("actions")) {
        if (action == "SCMP_ACT_NOTIFY") continue;  // not as the default
        json config = minimal_config();
        config["linux"]["seccomp"] = {{"defaultAction", action},
                                      {"architectures", section.at("seccomp").at("archs")},
                                      {"flags", section.at("seccomp").at("supportedFlags")}};
        check_accepted(config);
    }
    for (const std::string mode : section.at("memoryPolicy").at("modes")) {
        json config = minimal_config();
        config["linux"]["memoryPolicy"] = {{"mode", mode},
                                           {"flags", section.at("memoryPolicy").at("flags")}};
        if (mode != "MPOL_DEFAULT" && mode != "MPOL_LOCAL") {
            config["linux"]["memoryPolicy"]["nodes"] = "0";
        }
        check_accepted(config);
    }
}

TEST_CASE("features: network devices and intelRdt with all its parts") {
    const json section = features().at("linux");
    CHECK(section.at("netDevices").at("enabled") == true);
    for (const char* part : {"enabled", "schemata", "monitoring"}) {
        CHECK(section.at("intelRdt").at(part) == true);
    }
    json config = minimal_config();
    config["linux"]["namespaces"].push_back({{"type", "network"}});
    config["linux"]["netDevices"] = {{"eth0", {{"name", "inside%d"}}}};
    config["linux"]["intelRdt"] = {
        {"closID", "c"}, {"schemata", {"L3:0=f"}}, {"enableMonitoring", true}};
    check_accepted(config);
}

TEST_CASE("spec: both templates are valid") {
    for (const bool rootless : {false, true}) {
        const auto spec = oci::parse_spec(runtime::spec_template(rootless, 1000, 1001));
        CHECK(oci::validate(spec).empty());
        CHECK(spec.linux_->uid_mappings.size() == (rootless ? 1U : 0U));
        if (rootless) CHECK(spec.linux_->uid_mappings[0].host_id == 1000);
        if (rootless) CHECK(spec.linux_->gid_mappings[0].host_id == 1001);
    }
}
