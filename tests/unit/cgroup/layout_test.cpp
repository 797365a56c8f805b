#include "cgroup/layout.h"

#include <string>

#include "support/catch.h"

namespace {

using namespace lxcri::cgroup;

const std::string kHybrid =
    "23 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "25 23 0:22 / /proc rw,relatime - proc proc rw\n"
    "30 23 0:27 / /sys rw,relatime - sysfs sysfs rw\n"
    "31 30 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset,clone_children\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
    "rw,xattr,release_agent=/x,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_CASE("a hybrid host: version 2 first, controllers mounted together stay together") {
    const Layout layout = parse_mountinfo(kHybrid);
    CHECK(layout.mode == Mode::hybrid);
    REQUIRE(layout.hierarchies.size() == 5);
    CHECK(layout.hierarchies[0].version == 2);
    CHECK(layout.hierarchies[0].mount_point == "/sys/fs/cgroup/unified");
    CHECK(layout.find_v2() == &layout.hierarchies[0]);
    REQUIRE(layout.find_v1("cpuacct") != nullptr);
    CHECK(layout.find_v1("cpuacct") == layout.find_v1("cpu"));
    CHECK(layout.find_v1("cpu")->mount_point == "/sys/fs/cgroup/cpu,cpuacct");
    CHECK(layout.find_v1("cpuset")->controllers == std::vector<std::string>{"cpuset"});
    CHECK(layout.find_v1("name=systemd")->controllers == std::vector<std::string>{"name=systemd"});
    CHECK(layout.find_v1("pids") == nullptr);
}

TEST_CASE("a version 2 mount over the others hides them") {
    const Layout layout =
        parse_mountinfo(kHybrid + "63 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 none rw\n");
    CHECK(layout.mode == Mode::unified);
    REQUIRE(layout.hierarchies.size() == 1);
    CHECK(layout.hierarchies[0].mount_point == "/sys/fs/cgroup");
}

TEST_CASE("an empty tmpfs over the cgroup mounts hides all of them") {
    const Layout layout =
        parse_mountinfo(kHybrid + "70 31 0:50 / /sys/fs/cgroup rw,relatime - tmpfs none rw\n");
    CHECK(layout.mode == Mode::none);
    CHECK(layout.hierarchies.empty());
}

TEST_CASE("a mount on a directory above hides what is below") {
    const Layout layout = parse_mountinfo(kHybrid + "70 23 0:50 / /sys rw - sysfs none rw\n");
    CHECK(layout.mode == Mode::none);
}

TEST_CASE("a mount stacked on the same mount point hides the lower one only") {
    const Layout layout = parse_mountinfo(
        kHybrid + "70 35 0:32 /a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
    REQUIRE(layout.find_v1("memory") != nullptr);
    CHECK(layout.mode == Mode::hybrid);
    CHECK(layout.hierarchies.size() == 5);
}

TEST_CASE("a name that another mount point only begins with does not hide") {
    const Layout layout =
        parse_mountinfo(kHybrid + "70 31 0:51 / /sys/fs/cgroup/mem rw - tmpfs tmpfs rw\n");
    CHECK(layout.find_v1("memory") != nullptr);
}

TEST_CASE("version 1 only, and the path with a blank") {
    const Layout layout = parse_mountinfo(
        "23 1 254:0 / / rw - ext4 /dev/root rw\n"
        "31 23 0:28 / /cg\\040roups/a\\134b rw - cgroup none rw,devices\n");
    CHECK(layout.mode == Mode::legacy);
    REQUIRE(layout.hierarchies.size() == 1);
    CHECK(layout.hierarchies[0].mount_point == "/cg roups/a\\b");
    CHECK(layout.find_v2() == nullptr);
}

TEST_CASE("of several mounts of a hierarchy the whole one in the usual place is taken") {
    const Layout layout = parse_mountinfo(
        "23 1 254:0 / / rw - ext4 /dev/root rw\n"
        "50 23 0:32 /c1 /var/ct/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "51 23 0:32 / /cgroups/memory rw - cgroup cgroup rw,memory\n"
        "52 23 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "53 23 0:32 / /other/memory rw - cgroup cgroup rw,memory\n");
    REQUIRE(layout.hierarchies.size() == 1);
    CHECK(layout.hierarchies[0].mount_point == "/sys/fs/cgroup/memory");
}

TEST_CASE("no cgroups at all, and text that is no mountinfo") {
    CHECK(parse_mountinfo("").mode == Mode::none);
    CHECK(parse_mountinfo("23 1 254:0 / / rw - ext4 /dev/root rw\n").mode == Mode::none);
    CHECK(parse_mountinfo("\n x - cgroup cgroup rw,memory\n1 2").mode == Mode::none);
    CHECK(parse_mountinfo("1 2 3").mode == Mode::none);
    // Parents in a circle.
    CHECK(parse_mountinfo("1 2 0:1 / /a rw - cgroup c rw,memory\n2 1 0:2 / /b rw - tmpfs t rw\n")
              .mode == Mode::none);
}

TEST_CASE("/proc/PID/cgroup") {
    const auto memberships =
        parse_memberships("9:name=systemd:/\n4:cpu,cpuacct:/a:b/c\n0::/user.slice\n");
    REQUIRE(memberships.size() == 3);
    CHECK(memberships[0].controllers == std::vector<std::string>{"name=systemd"});
    CHECK(memberships[1].controllers == std::vector<std::string>{"cpu", "cpuacct"});
    CHECK(memberships[1].path == "/a:b/c");
    CHECK(memberships[2].controllers.empty());
    CHECK(memberships[2].path == "/user.slice");
    CHECK(parse_memberships("").empty());
}

}  // namespace
