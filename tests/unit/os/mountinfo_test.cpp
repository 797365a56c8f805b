#include "os/mountinfo.h"

#include <fcntl.h>

#include <algorithm>

#include "os/file.h"
#include "support/catch.h"

using namespace lxcri;
using os::MountLine;

TEST_CASE("mountinfo: the fields of a line") {
    const auto mount = os::parse_mount_line(
        "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:2 master:1 - ext3 /dev/root rw,errors=continue");
    REQUIRE(mount);
    CHECK(mount->id == 36);
    CHECK(mount->parent == 35);
    CHECK(mount->root == "/mnt1");
    CHECK(mount->mount_point == "/mnt2");
    CHECK(mount->propagation == "shared:2 master:1");
    CHECK(mount->type == "ext3");
    CHECK(mount->options == "rw,errors=continue");
}

TEST_CASE("mountinfo: a private mount, and sources that are empty or a dash") {
    const auto mount = os::parse_mount_line("1 1 0:1 / / rw - tmpfs  rw");
    REQUIRE(mount);
    CHECK(mount->propagation.empty());
    CHECK(mount->type == "tmpfs");
    CHECK(mount->options == "rw");
    CHECK(os::parse_mount_line("1 1 0:1 / / rw - tmpfs - rw")->options == "rw");
}

TEST_CASE("mountinfo: what is no line is left out") {
    for (const char* line : {"", "text", "1 1 0:1 / / rw", "a 1 0:1 / / rw - tmpfs none rw"}) {
        CHECK_FALSE(os::parse_mount_line(line));
    }
    const auto mounts = os::parse_mount_lines(
        "no line\n2 1 0:2 / /b rw - proc proc rw\n\n1 1 0:1 / / rw - tmpfs none rw\n");
    REQUIRE(mounts.size() == 2);
    CHECK(mounts[0].id == 2);
    CHECK(mounts[1].id == 1);
}

TEST_CASE("mountinfo: escapes") {
    CHECK(os::unescape_mount("/a\\040b\\011c\\012x\\134e") == "/a b\tc\nx\\e");
    CHECK(os::unescape_mount("/a\\04") == "/a\\04");
    CHECK(os::unescape_mount("/a\\09x") == "/a\\09x");
    CHECK(os::unescape_mount("\\040") == " ");
}

TEST_CASE("mountinfo: this machine's") {
    const std::string text = os::read_file_at(AT_FDCWD, "/proc/self/mountinfo");
    const auto mounts = os::parse_mount_lines(text);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    CHECK(static_cast<std::ptrdiff_t>(mounts.size()) == lines);
    CHECK(std::any_of(mounts.begin(), mounts.end(), [](const MountLine& mount) {
        return mount.mount_point == "/proc" && mount.type == "proc";
    }));
}
