#include "cgroup/path.h"

#include "base/error.h"
#include "support/catch.h"

namespace {

using lxcri::cgroup::container_path;

TEST_CASE("cgroupsPath: the same place for absolute and relative paths") {
    CHECK(container_path("/docker/4711", "c1") == "docker/4711");
    CHECK(container_path("docker/4711", "c1") == "docker/4711");
    CHECK(container_path("//docker/.//4711/", "c1") == "docker/4711");
    CHECK(container_path("/a/..b/c...", "c1") == "a/..b/c...");
}

TEST_CASE("cgroupsPath: absent or empty") {
    CHECK(container_path("", "c1") == "lxcri-c1");
}

TEST_CASE("cgroupsPath: what leads out, or to the root, or onto the terminal is refused") {
    for (const std::string path :
         {"/../a", "..", "a/../b", "a/..", "/", "///", "/./", "/a\nb", "/a\x7f", "/a\x1b[2J"}) {
        INFO(path);
        CHECK_THROWS_AS(container_path(path, "c1"), lxcri::SpecError);
    }
    CHECK_THROWS_AS(container_path("/" + std::string(256, 'x'), "c1"), lxcri::SpecError);
    CHECK_NOTHROW(container_path("/" + std::string(255, 'x'), "c1"));
    try {
        container_path("/a/../b", "c1");
        FAIL("no error");
    } catch (const lxcri::SpecError& error) {
        CHECK(error.pointer() == "/linux/cgroupsPath");
        CHECK(std::string(error.what()) ==
              "/linux/cgroupsPath: \"/a/../b\" must not contain \"..\"");
    }
}

}  // namespace
