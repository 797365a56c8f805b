// What real callers wrote has to be accepted: tests/specs/callers.

#include <filesystem>
#include <fstream>
#include <sstream>

#include "oci/parse.h"
#include "oci/validate.h"
#include "support/catch.h"

using namespace lxcri::oci;

namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::filesystem::path> documents(bool processes) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(LXCRI_TEST_DATA "/specs/callers")) {
        const bool is_process = entry.path().filename().string().starts_with("process-");
        if (is_process == processes) paths.push_back(entry.path());
    }
    return paths;
}

Spec parse_caller(const std::string& name) {
    return parse_spec(read_file(std::string(LXCRI_TEST_DATA "/specs/callers/") + name));
}

}  // namespace

TEST_CASE("each config.json of a caller parses and is valid") {
    const auto paths = documents(false);
    REQUIRE(paths.size() > 40);
    for (const auto& path : paths) {
        INFO(path);
        Spec spec;
        REQUIRE_NOTHROW(spec = parse_spec(read_file(path)));
        std::vector<std::string> warnings;
        REQUIRE_NOTHROW(warnings = validate(spec));
        CHECK(warnings == std::vector<std::string>{});
        CHECK(spec.process->args.size() > 0);
        CHECK(spec.linux_->namespaces.size() > 2);
    }
}

TEST_CASE("each process.json of a caller parses and is valid") {
    const auto paths = documents(true);
    REQUIRE(paths.size() > 20);
    for (const auto& path : paths) {
        INFO(path);
        Process process;
        REQUIRE_NOTHROW(process = parse_process(read_file(path)));
        std::vector<std::string> warnings;
        REQUIRE_NOTHROW(warnings = validate(process));
        CHECK(warnings == std::vector<std::string>{});
        CHECK(process.args.size() > 0);
    }
}

TEST_CASE("the content of a Docker config") {
    const auto spec = parse_caller("docker-attach-01.json");
    CHECK(spec.oci_version == "1.0.2-dev");
    CHECK(spec.hooks.prestart.size() == 1);
    CHECK(spec.linux_->seccomp->default_action == SeccompAction::error);
    CHECK(spec.linux_->seccomp->architectures.size() == 3);
    CHECK_FALSE(spec.linux_->seccomp->flags);
    CHECK(spec.linux_->find_namespace(NamespaceType::mount) != nullptr);
    CHECK(spec.linux_->find_namespace(NamespaceType::time) == nullptr);
    CHECK(spec.linux_->resources->devices[0].access == "rwm");
    CHECK(spec.linux_->resources->block_io.weight == 0);
}

TEST_CASE("file type bits of a caller's device are stripped") {
    const auto spec = parse_caller("podman-privileged-19.json");
    REQUIRE(spec.linux_->devices.size() > 10);
    for (const auto& device : spec.linux_->devices) {
        INFO(device.path);
        CHECK(device.file_mode.value_or(0) <= 0777);
    }
}
