// spec and features.
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("spec: writes a config.json that runs, and never over another one", "[spec]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "new");
    REQUIRE(box.call({"spec", "--bundle", box / "new"}).code() == 0);
    Json config = Json::parse(read_file(box / "new/config.json"));
    CHECK(box.call({"spec", "--bundle", box / "new"}).code() != 0);
    CHECK(Json::parse(read_file(box / "new/config.json")) == config);

    config["process"]["args"] = {"/probe", "echo", "runs"};
    config["process"]["terminal"] = false;
    config["process"].erase("rlimits");
    config["linux"]["cgroupsPath"] = "/" + box.name();
    box.bundle.config = config;
    CHECK(box.life().out == "runs\n");
}

TEST_CASE("features: is JSON with both versions", "[spec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const Finished finished = box.call({"features"});
    CHECK(finished.code() == 0);
    const Json features = Json::parse(finished.out);
    CHECK(features.contains("ociVersionMin"));
    CHECK(features.contains("ociVersionMax"));
}
