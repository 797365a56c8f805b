// config.json as a document: what is refused, with which words; translate.
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A change to a good config.json (RFC 7396: null removes), and where the error has to point.
struct Invalid {
    const char* patch;
    const char* pointer;
};

const Invalid kInvalid[] = {
    {R"({"ociVersion": null})", "ociVersion"},
    {R"({"ociVersion": 1})", "/ociVersion"},
    {R"({"ociVersion": "one"})", "/ociVersion"},
    {R"({"ociVersion": "2.0.0"})", "/ociVersion"},
    {R"({"hostname": []})", "/hostname"},
    {R"({"hostname": "nul\u0000"})", "/hostname"},
    {R"({"annotations": {"key": 1}})", "/annotations/key"},
    {R"({"annotations": {"": "empty key"}})", "/annotations"},
    {R"({"root": null})", "root"},
    {R"({"root": {"path": null}})", "/root"},
    {R"({"root": {"path": 5}})", "/root/path"},
    {R"({"root": {"path": "root\u0000fs"}})", "/root/path"},
    {R"({"root": {"readonly": 1}})", "/root/readonly"},
    {R"({"process": []})", "/process"},
    {R"({"process": {"cwd": null}})", "/process"},
    {R"({"process": {"cwd": 5}})", "/process/cwd"},
    {R"({"process": {"cwd": "/a\u0000b"}})", "/process/cwd"},
    {R"({"process": {"cwd": "relative"}})", "/process/cwd"},
    {R"({"process": {"args": "/probe"}})", "/process/args"},
    {R"({"process": {"args": ["/probe", 5]}})", "/process/args/1"},
    {R"({"process": {"args": ["/probe\u0000"]}})", "/process/args/0"},
    {R"({"process": {"env": {"A": "1"}}})", "/process/env"},
    {R"({"process": {"env": ["A=1", 7]}})", "/process/env/1"},
    {R"({"process": {"env": ["A=1", "B=\u0000"]}})", "/process/env/1"},
    {R"({"process": {"terminal": "no"}})", "/process/terminal"},
    {R"({"process": {"noNewPrivileges": 0}})", "/process/noNewPrivileges"},
    {R"({"process": {"oomScoreAdj": 1001}})", "/process/oomScoreAdj"},
    {R"({"process": {"oomScoreAdj": "0"}})", "/process/oomScoreAdj"},
    {R"({"process": {"user": {"uid": -1}}})", "/process/user/uid"},
    {R"({"process": {"user": {"uid": 4294967296}}})", "/process/user/uid"},
    {R"({"process": {"user": {"uid": 1.5}}})", "/process/user/uid"},
    {R"({"process": {"user": {"gid": "0"}}})", "/process/user/gid"},
    {R"({"process": {"user": {"umask": 512}}})", "/process/user/umask"},
    {R"({"process": {"user": {"additionalGids": [-1]}}})", "/process/user/additionalGids/0"},
    {R"({"process": {"capabilities": {"bounding": "CAP_KILL"}}})",
     "/process/capabilities/bounding"},
    {R"({"process": {"rlimits": [{"type": "RLIMIT_X", "soft": 1, "hard": 1}]}})",
     "/process/rlimits/0/type"},
    {R"({"process": {"rlimits": [{"type": "RLIMIT_CORE", "soft": -1, "hard": 1}]}})",
     "/process/rlimits/0/soft"},
    {R"({"process": {"rlimits": [{"type": "RLIMIT_CORE", "soft": 1}]}})", "/process/rlimits/0"},
    {R"({"mounts": {}})", "/mounts"},
    {R"({"mounts": [{"type": "proc"}]})", "/mounts/0"},
    {R"({"mounts": [{"destination": 5}]})", "/mounts/0/destination"},
    {R"({"mounts": [{"destination": "/a\u0000b", "type": "tmpfs"}]})", "/mounts/0/destination"},
    {R"({"mounts": [{"destination": "/x", "type": "tmpfs", "options": "ro"}]})",
     "/mounts/0/options"},
    {R"({"mounts": [{"destination": "/x", "type": "tmpfs", "options": ["ro", 1]}]})",
     "/mounts/0/options/1"},
    {R"({"hooks": {"prestart": {}}})", "/hooks/prestart"},
    {R"({"hooks": {"prestart": [{"path": 5}]}})", "/hooks/prestart/0/path"},
    {R"({"hooks": {"poststop": [{"path": "/x", "timeout": "1"}]}})", "/hooks/poststop/0/timeout"},
    {R"({"linux": {"namespaces": {}}})", "/linux/namespaces"},
    {R"({"linux": {"namespaces": [{"type": "nosuch"}]}})", "/linux/namespaces/0/type"},
    {R"({"linux": {"namespaces": [{"path": "/x"}]}})", "/linux/namespaces/0"},
    {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "mount"}]}})", "/linux/namespaces/1"},
    {R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network", "path": "rel"}]}})",
     "/linux/namespaces/1/path"},
    {R"({"linux": {"devices": [{"path": "/x", "type": "z"}]}})", "/linux/devices/0/type"},
    {R"({"linux": {"devices": [{"type": "c", "major": 1, "minor": 3}]}})", "/linux/devices/0"},
    {R"({"linux": {"devices": [{"path": "/x", "type": "c", "minor": 3}]}})", "/linux/devices/0"},
    {R"({"linux": {"uidMappings": [{"containerID": 0, "hostID": 0}]}})", "/linux/uidMappings/0"},
    {R"({"linux": {"maskedPaths": "/x"}})", "/linux/maskedPaths"},
    {R"({"linux": {"readonlyPaths": [5]}})", "/linux/readonlyPaths/0"},
    {R"({"linux": {"cgroupsPath": 5}})", "/linux/cgroupsPath"},
    {R"({"linux": {"rootfsPropagation": "sideways"}})", "/linux/rootfsPropagation"},
    {R"({"linux": {"resources": {"memory": {"limit": "x"}}}})", "/linux/resources/memory/limit"},
    {R"({"linux": {"resources": {"pids": {"limit": 1.5}}}})", "/linux/resources/pids/limit"},
    {R"({"linux": {"resources": {"devices": [{"allow": "no"}]}}})",
     "/linux/resources/devices/0/allow"},
    {R"({"linux": {"resources": {"devices": [{"allow": true, "type": "z", "access": "r"}]}}})",
     "/linux/resources/devices/0/type"},
    {R"({"linux": {"resources": {"devices": [{"allow": true, "access": "xyz"}]}}})",
     "/linux/resources/devices/0/access"},
};

}  // namespace

TEST_CASE("config: what is wrong is refused, with a JSON pointer to it", "[config][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Json good = box.bundle.config;
    for (const Invalid& invalid : kInvalid) {
        CAPTURE(invalid.patch);
        box.bundle.config = good;
        box.bundle.config.merge_patch(Json::parse(invalid.patch));
        const std::string text = box.refusal();
        CHECK(contains(text, invalid.pointer));
        CHECK(lines_of(text).size() == 1);
    }
}

TEST_CASE("config: a key that comes twice is refused", "[config][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    const fs::path file = box.bundle.path() / "config.json";
    std::string text = read_file(file);
    const std::string twice = GENERATE(as<std::string>(), R"({"hostname": "first",)",
                                       R"({"linux": {"cgroupsPath": "/x", "cgroupsPath": "/y"},)");
    text.replace(0, 1, twice);
    write_file(file, text);
    const Finished finished = box.call({"create", "--bundle", box.bundle.path(), box.new_id()});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, twice[2] == 'h' ? "hostname" : "cgroupsPath"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("config: unknown properties are ignored", "[config]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["x-unknown"] = {{"a", 1}};
    box.bundle.process()["unknown"] = Json::array({1, 2});
    box.bundle.linux()["unknown"] = "text";
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("config: sections of other platforms are ignored", "[config]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["windows"] = {{"layerFolders", {"C:\\x"}}};
    box.bundle.config["solaris"] = {{"milestone", "x"}};
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("config: a newer minor version of the specification is accepted", "[config][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["ociVersion"] =
        GENERATE(as<std::string>(), "1.0.0", "1.0.2-dev", "1.1.0", "1.2.1", "1.3.0");
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("config: a large one is no problem", "[config]") {
    NEEDS(need_runtime());
    Box box;
    for (int i = 0; i < 2000; ++i) {
        box.bundle.config["annotations"]["org.example.key" + std::to_string(i)] =
            std::string(500, 'x');
    }
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("config: linux may be absent", "[config][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config.erase("linux");
    box.bundle.config.erase("hostname");
    box.bundle.config["mounts"] = Json::array();
    CHECK(box.life({"echo", "here"}).out == "here\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("config: a document for another platform is refused", "[config][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config.erase("linux");
    box.bundle.config["windows"] = {{"layerFolders", Json::array()}};
    CHECK(contains(box.refusal(), "/linux: missing in a document that has /windows"));
}

TEST_CASE("config: what this machine cannot do is an error, never silence", "[config][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["intelRdt"] = {{"closID", "x"}, {"l3CacheSchema", "L3:0=f"}};
    CHECK(contains(box.refusal(), "/linux/intelRdt"));
}

// --- translate -------------------------------------------------------------------------------

TEST_CASE("translate: prints the plan and touches nothing, without root too",
          "[translate][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    CommandOptions options;
    options.uid = GENERATE(0u, 65534u);
    const std::string format = GENERATE(as<std::string>(), "text", "json");
    CAPTURE(*options.uid, format);
    const Finished finished = run_command({environment().runtime, "--root", box.root(), "translate",
                                           "--bundle", box.bundle.path(), "--format", format},
                                          options);
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, "lxc."));
    if (format == "json") CHECK(Json::parse(finished.out).is_object());
    CHECK(!fs::exists(box.root()));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("translate: refuses what create refuses, with the same words", "[translate][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"]["uid"] = -1;
    box.bundle.write();
    const Finished finished = box.call({"translate", "--bundle", box.bundle.path()});
    CHECK(finished.code() == 1);
    CHECK(finished.out == "");
    CHECK(contains(finished.err, "/process/user/uid"));
}

TEST_CASE("translate: --diff shows what another bundle has otherwise", "[config][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Bundle other(box / "other", box.name());
    other.config["hostname"] = "elsewhere";
    other.config["root"]["path"] = box.bundle.rootfs().string();
    box.bundle.config["root"]["path"] = box.bundle.rootfs().string();
    box.bundle.write();
    other.write();
    const Strings line = {"translate", "-b", box.bundle.path(), "--diff", other.path()};
    const Finished different = box.call(line);
    CHECK(different.code() == 2);
    CHECK(contains(different.out, "\"elsewhere\""));
    CHECK_FALSE(contains(different.out, "\x1b"));
    for (const std::string& text : lines_of(different.out)) {
        CAPTURE(text);
        CHECK(std::string("+-~").find(text.front()) != std::string::npos);
        CHECK(text.substr(1, 2) == " /");
    }
    Strings patch = line;
    patch.insert(patch.end(), {"--format", "json"});
    CHECK(Json::parse(box.call(patch).out).is_array());

    other.config["hostname"] = box.bundle.config["hostname"];
    other.write();
    const Finished same = box.call(line);
    CAPTURE(same.out);
    CHECK(same.code() == 0);
    CHECK(same.out.empty());

    other.config["hostname"] = 5;
    other.write();
    const Finished wrong = box.call(line);
    CHECK(wrong.code() == 1);
    CHECK(contains(wrong.err, (other.path() / "config.json").string() + ": /hostname"));
}
