// The links of /dev, and the file for the console.

#include "hooks/devices.h"

#include "rootfs.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;

TEST_CASE("mount hook: the links of /dev are made below the root") {
    const Rootfs rootfs;
    fs::create_directories(rootfs / "dev");
    hooks::make_dev_links(rootfs.open().get());
    CHECK(fs::read_symlink(rootfs / "dev/fd") == "/proc/self/fd");
    CHECK(fs::read_symlink(rootfs / "dev/stdin") == "/proc/self/fd/0");
    CHECK(fs::read_symlink(rootfs / "dev/ptmx") == "pts/ptmx");
    // Once more, as at the next start.
    CHECK_NOTHROW(hooks::make_dev_links(rootfs.open().get()));
}

TEST_CASE("mount hook: a /dev that is a link is refused") {
    const Rootfs rootfs;
    fs::create_symlink(rootfs.outside(), rootfs / "dev");
    CHECK_THROWS_AS(hooks::make_dev_links(rootfs.open().get()), Error);
    CHECK_THROWS_AS(hooks::make_console_file(rootfs.open().get()), Error);
    CHECK(rootfs.outside_is_as_it_was());
}
