// maskedPaths and readonlyPaths.

#include "hooks/hidden_paths.h"

#include "os/mount.h"
#include "rootfs.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;

TEST_CASE("mount hook: masked paths are empty, through links too, and never outside") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    put_file(rootfs / "secret", "secret");
    put_file(rootfs / "directory/secret", "secret");
    fs::create_symlink("/directory", rootfs / "link");
    fs::create_symlink(rootfs.outside() / "file", rootfs / "escape");
    CHECK(in_user_namespace([&] {
              hooks::mask_paths(rootfs.open().get(), {"/secret", "/link", "/escape", "/missing"},
                                os::clone_mount(AT_FDCWD, "/dev/null", os::Reach::one_mount), "");
              return concat(content_of(rootfs / "secret"),
                            std::to_string(tree_of(rootfs / "directory").size()),
                            content_of(rootfs.outside() / "file"));
          }) == "0outside");
    CHECK(content_of(rootfs / "directory/secret") == "secret");
}

TEST_CASE("mount hook: to mask the root is an error that names the path") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_symlink("/", rootfs / "root");
    CHECK_THAT(
        in_user_namespace([&] {
            hooks::mask_paths(rootfs.open().get(), {"/missing", "/root"}, os::UniqueFd(), "");
            return std::string();
        }),
        Catch::StartsWith("exception: /linux/maskedPaths/1: "));
}

TEST_CASE("mount hook: readonly paths cannot be written to") {
    NEEDS_USER_NAMESPACES();
    const Rootfs rootfs;
    fs::create_directories(rootfs / "directory");
    put_file(rootfs / "file", "content");
    const auto error_of_write = [](const fs::path& path) {
        const os::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        return file.valid() ? 0 : errno;
    };
    CHECK(in_user_namespace([&] {
              hooks::make_paths_readonly(rootfs.open().get(), {"/directory", "/file", "/missing"});
              return concat(std::to_string(error_of_write(rootfs / "directory/new")), " ",
                            std::to_string(error_of_write(rootfs / "file")), " ",
                            std::to_string(error_of_write(rootfs / "beside")));
          }) == concat(std::to_string(EROFS), " ", std::to_string(EROFS), " 0"));
}
