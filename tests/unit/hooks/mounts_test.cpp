// Where a mount goes: the destination of a bundle in an image that is hostile.

#include "hooks/mounts.h"

#include "base/kernel_mount.h"
#include "rootfs.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;

TEST_CASE("mount hook: links on the way to a destination stay in the root filesystem") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_directories(rootfs / "real");
    fs::create_symlink("/real", rootfs / "absolute");
    fs::create_symlink("../../../../../../../../real", rootfs / "up");
    fs::create_symlink(rootfs.outside(), rootfs / "host");
    for (const std::string destination : {"/absolute/a", "/up/b", "/real/../../../../real/c"}) {
        INFO(destination);
        CHECK(in_user_namespace([&] {
                  make_mount(rootfs, tmpfs_on(destination));
                  const fs::path there = rootfs / "real" / fs::path(destination).filename();
                  return std::string(Rootfs::is_mount(there) ? "mounted" : "not there");
              }) == "mounted");
    }
    // The same path as outside, but inside.
    CHECK(in_user_namespace([&] {
              make_mount(rootfs, tmpfs_on("/host/file"));
              const fs::path inside = rootfs.path() / rootfs.outside().relative_path() / "file";
              return std::string(Rootfs::is_mount(inside) ? "mounted" : "not there");
          }) == "mounted");
    CHECK(rootfs.outside_is_as_it_was());
}

TEST_CASE("mount hook: a destination that is a link is made where the link leads inside") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_symlink("/new/place", rootfs / "dangling");
    fs::create_symlink("loop-b", rootfs / "loop-a");
    fs::create_symlink("loop-a", rootfs / "loop-b");
    CHECK(in_user_namespace([&] {
              make_mount(rootfs, tmpfs_on("/dangling"));
              return std::string(Rootfs::is_mount(rootfs / "new/place") ? "mounted" : "not there");
          }) == "mounted");
    CHECK_THAT(error_of_mount(rootfs, tmpfs_on("/loop-a")),
               Catch::Contains("too many levels of symbolic links"));
}

TEST_CASE("mount hook: nothing covers the root but a bind that says so") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_symlink("/", rootfs / "root");
    for (const std::string destination : {"/root", "/root/..", "/a/.."}) {
        INFO(destination);
        CHECK_THAT(error_of_mount(rootfs, tmpfs_on(destination)), Catch::Contains("root"));
    }
}

TEST_CASE("mount hook: /proc, /sys and /dev are plain directories of the image") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_directories(rootfs / "etc");
    fs::create_symlink("etc", rootfs / "proc");
    fs::create_symlink("/etc", rootfs / "sys");
    put_file(rootfs / "dev", "a file");
    CHECK_THAT(error_of_mount(rootfs, tmpfs_on("/proc")), Catch::Contains("symbolic link"));
    CHECK_THAT(error_of_mount(rootfs, tmpfs_on("/sys")), Catch::Contains("symbolic link"));
    CHECK_THAT(error_of_mount(rootfs, tmpfs_on("/dev")), Catch::Contains("is not a directory"));
    auto sysfs = tmpfs_on("/sys/below");
    sysfs.type = "sysfs";
    CHECK_THAT(error_of_mount(rootfs, sysfs), Catch::Contains("behind a symbolic link"));
}

TEST_CASE("mount hook: a file does not cover a directory") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    put_file(rootfs / "file", "content");
    fs::create_directories(rootfs / "directory");
    CHECK_THAT(error_of_mount(rootfs, bind_inside("/file", "/directory")),
               Catch::Contains("is a file but \"/directory\" is a directory"));
    CHECK(in_user_namespace([&] {
              make_mount(rootfs, bind_inside("/file", "/made/on/the/way"));
              return content_of(rootfs / "made/on/the/way");
          }) == "content");
}

TEST_CASE("mount hook: a source in the root filesystem does not lead out of it") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_symlink(rootfs.outside() / "file", rootfs / "stolen");
    CHECK_THAT(error_of_mount(rootfs, bind_inside("/stolen", "/copy")),
               Catch::Contains("no such file or directory"));
}

namespace {

// The procfs of the test's pid namespace is on /proc of the root filesystem.
std::string error_beside_proc(const Rootfs& rootfs, const handoff::MountAction& action) {
    return in_user_namespace([&] {
        os::check(::mount("/proc", (rootfs / "proc").c_str(), nullptr, MS_BIND | MS_REC, nullptr),
                  "mount /proc");
        make_mount(rootfs, action);
        return std::string();
    });
}

}  // namespace

TEST_CASE("mount hook: what may be mounted on a procfs") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_directories(rootfs / "proc");
    fs::create_symlink("/proc/sys", rootfs / "link");
    put_file(rootfs / "file", "content");
    CHECK(error_beside_proc(rootfs, bind_inside("/file", "/proc/cpuinfo")) == "");
    for (const std::string destination : {"/proc/sys", "/proc/self", "/link", "/link/kernel"}) {
        INFO(destination);
        CHECK_THAT(error_beside_proc(rootfs, tmpfs_on(destination)),
                   Catch::Contains("is inside of the procfs and cannot be mounted on"));
    }
    CHECK_THAT(error_beside_proc(rootfs, bind_inside("/file", "/proc/version")),
               Catch::Contains("is inside of the procfs and cannot be mounted on"));
    // Whatever the place is called.
    for (const std::string destination : {"/proc", "/a/../proc"}) {
        INFO(destination);
        CHECK_THAT(error_beside_proc(rootfs, tmpfs_on(destination)),
                   Catch::Contains("only a whole procfs can be mounted on \"/proc\""));
    }
    CHECK_THAT(error_beside_proc(rootfs, bind_inside("/proc/sys", "/proc")),
               Catch::Contains("only a whole procfs"));
    CHECK(error_beside_proc(rootfs, bind_inside("/proc", "/proc")) == "");
}

TEST_CASE("mount hook: a tmpfs looks like what it covers") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_directories(rootfs / "closed");
    fs::permissions(rootfs / "closed", fs::perms::owner_all);
    put_file(rootfs / "full/file", "content");
    const auto mode_of = [&](handoff::MountAction action) {
        return in_user_namespace([&] {
            make_mount(rootfs, action);
            const auto perms = fs::status(rootfs / action.destination.substr(1)).permissions();
            return std::to_string(static_cast<unsigned>(perms));
        });
    };
    CHECK(mode_of(tmpfs_on("/closed")) == std::to_string(0700));
    CHECK(mode_of(tmpfs_on("/new")) == std::to_string(01777));
    auto with_mode = tmpfs_on("/closed");
    with_mode.data = {"mode=0711"};
    CHECK(mode_of(with_mode) == std::to_string(0711));

    auto copy = tmpfs_on("/full");
    CHECK(in_user_namespace([&] {
              make_mount(rootfs, copy);
              return fs::exists(rootfs / "full/file") ? "there" : "covered";
          }) == "covered");
    copy.copy_up = true;
    CHECK(in_user_namespace([&] {
              make_mount(rootfs, copy);
              return content_of(rootfs / "full/file");
          }) == "content");
}

TEST_CASE("mount hook: ro is there, and comes last") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_directories(rootfs / "ro");
    auto action = tmpfs_on("/ro");
    action.set = MOUNT_ATTR_RDONLY;
    CHECK(in_user_namespace([&]() -> std::string {
              hooks::SourceReceiver no_sources(-1);
              hooks::DelayedAttributes delayed;
              hooks::make_mount(rootfs.open().get(), action, no_sources, delayed);
              put_file(rootfs / "ro/mount-point", "");
              delayed.apply();
              const int error = ::mkdir((rootfs / "ro/later").c_str(), 0755) == 0 ? 0 : errno;
              return error == EROFS ? "read-only" : "error " + std::to_string(error);
          }) == "read-only");
}
