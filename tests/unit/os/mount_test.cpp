// The mount API. All mounts here are detached: no other process sees them.

#include "os/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "needs.h"
#include "os/file.h"
#include "support/catch.h"
#include "temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;

namespace {

unsigned long flags_of(int fd) {
    struct statvfs info {};
    REQUIRE(::fstatvfs(fd, &info) == 0);
    return info.f_flag;
}

}  // namespace

TEST_CASE("a filesystem is made with its options", "[root]") {
    UNIT_NEEDS(is_root(), "fsopen needs root");
    os::NewFilesystem tmpfs("tmpfs");
    tmpfs.set_string("mode", "0710");
    tmpfs.set_string("size", "64k");
    tmpfs.set_flag("sync");
    const auto mount = tmpfs.mount(MOUNT_ATTR_NOSUID);
    struct stat status {};
    REQUIRE(::fstat(mount.get(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0710);
    CHECK((flags_of(mount.get()) & (ST_NOSUID | ST_SYNCHRONOUS)) == (ST_NOSUID | ST_SYNCHRONOUS));
    CHECK((::fcntl(mount.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("an option that a filesystem refuses is named, in the kernel's words", "[root]") {
    UNIT_NEEDS(is_root(), "fsopen needs root");
    os::NewFilesystem tmpfs("tmpfs");
    CHECK_THROWS_WITH(tmpfs.set_string("size", "big"),
                      Catch::StartsWith("mount a tmpfs: option \"size=big\" (") &&
                          Catch::EndsWith("): invalid argument"));
    CHECK_THROWS_WITH(tmpfs.set_flag("no-such-option"),
                      Catch::StartsWith("mount a tmpfs: option \"no-such-option\"") &&
                          Catch::EndsWith("invalid argument"));
    CHECK_THROWS_WITH(os::NewFilesystem("nosuchfs"), "fsopen \"nosuchfs\": no such device");
}

TEST_CASE("a copy of a mount has its own attributes", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    const TempDir temp;
    put_file(temp / "file", "content");
    const auto copy = os::clone_mount(AT_FDCWD, temp.path(), os::Reach::one_mount);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC;
    os::set_mount_attributes(copy.get(), os::Reach::one_mount, attributes, "copy");
    CHECK((flags_of(copy.get()) & (ST_RDONLY | ST_NOEXEC)) == (ST_RDONLY | ST_NOEXEC));
    CHECK(os::read_file_at(copy.get(), "file") == "content");
    CHECK(os::try_write_value_at(copy.get(), "file", "x") == EROFS);
    put_file(temp / "file", "changed");  // the original is as writable as before

    attributes = {};
    attributes.attr_set = 1ULL << 63U;
    CHECK_THROWS_WITH(
        os::set_mount_attributes(copy.get(), os::Reach::one_mount, attributes, "copy"),
        "mount_setattr \"copy\": invalid argument");
}

TEST_CASE("a copy of what a descriptor stands for", "[root]") {
    UNIT_NEEDS(is_root(), "open_tree needs root");
    const TempDir temp;
    put_file(temp / "file", "content");
    const auto file = os::open_at(AT_FDCWD, temp / "file", O_PATH);
    const auto copy = os::clone_mount(file.get(), "", os::Reach::one_mount);
    struct stat status {};
    REQUIRE(::fstat(copy.get(), &status) == 0);
    CHECK(S_ISREG(status.st_mode));
    CHECK_THROWS_WITH(os::clone_mount(AT_FDCWD, temp / "none", os::Reach::whole_tree),
                      Catch::EndsWith("no such file or directory"));
}
