// inspect, checkpoint, restore.

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

TEST_CASE("inspect: config.json, what is recorded, and the state", "[inspect][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["annotations"]["org.example"] = "yes";
    box.bundle.config["x-unknown"] = 1;
    Container container = box.sleeper();
    const Finished finished = box.call({"inspect", container.id()});
    CHECK(finished.code() == 0);
    const Json json = Json::parse(finished.out);
    CHECK(json.at("Spec") == box.bundle.config);
    CHECK(json.at("State") == container.state());
    CHECK(json.at("Container").at("pid") == container.pid());
    CHECK(json.at("Container").at("directory") == (box.root() / container.id()).string());
    CHECK(json.at("Container").at("cgroup").size() == cgroup_hierarchies().size());
    container.kill();
    (void)container.wait();
    const Json later = Json::parse(box.call({"inspect", container.id()}).out);
    CHECK(later.at("State").at("status") == "stopped");
}

TEST_CASE("inspect: several containers, or none when one is missing", "[inspect][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.args({"trap", "TERM", "0"});
    Container first = box.create({}, box.name() + "-a");
    Container second = box.create({}, box.name() + "-b");
    const Finished both = box.call({"inspect", first.id(), second.id()});
    CHECK(both.code() == 0);
    CHECK(contains(both.out, "\"id\": \"" + first.id() + "\""));
    CHECK(contains(both.out, "\"id\": \"" + second.id() + "\""));
    const Finished missing = box.call({"inspect", first.id(), "missing"});
    CHECK(missing.code() == 1);
    CHECK(missing.out.empty());
    CHECK(contains(missing.err, "does not exist"));
}

TEST_CASE("checkpoint, restore: the questions of engines have the answers that they look for",
          "[checkpoint][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* command : {"checkpoint", "restore"}) {
        CHECK(box.call({command, "--help"}).code() == 0);
    }
    // Podman asks so whether a pod can be restored.
    const Finished probe = box.call({"restore", "--lsm-mount-context"});
    CHECK(probe.code() == 1);
    CHECK(contains(probe.err, "flag needs an argument: --lsm-mount-context"));
    const Json features = Json::parse(box.call({"features"}).out);
    CHECK(features.at("annotations").at("org.linuxcontainers.lxcri.checkpoint.enabled") == "true");
    CHECK(features.at("annotations").at("org.opencontainers.runc.checkpoint.enabled") == "true");
}
