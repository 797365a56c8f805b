// The mount option tmpcopyup: a tmpfs begins with a copy of what it covers.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

void add_tmpfs(Box& box, Strings options) {
    box.bundle.add_mount({{"destination", "/data"},
                          {"type", "tmpfs"},
                          {"source", "tmpfs"},
                          {"options", std::move(options)}});
}

// A directory in the image with one of each kind.
fs::path make_data(const Box& box) {
    const fs::path data = box.bundle.in_rootfs("data");
    fs::create_directories(data / "sub/deep");
    write_file(data / "sub/deep/file", "kept\n", 0640);
    REQUIRE(::chown((data / "sub/deep/file").c_str(), 12, 34) == 0);
    REQUIRE(::chmod((data / "sub").c_str(), 01770) == 0);
    fs::create_symlink("/outside", data / "link");
    REQUIRE(::mkfifo((data / "fifo").c_str(), 0600) == 0);
    return data;
}

}  // namespace

TEST_CASE("tmpcopyup: content, owners, modes and links are copied",
          "[mounts][not-runc][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    make_data(box);
    add_tmpfs(box, {"tmpcopyup", "mode=0750"});
    const Outcome outcome =
        box.life({"cat", "/data/sub/deep/file", "--", "stat", "/data/sub/deep/file", "/data/sub",
                  "/data/fifo", "--", "readlink", "/data/link"});
    CHECK(has_line(outcome.out, "kept"));
    CHECK(contains(outcome.out, "/data/sub/deep/file file 0640 12 34 "));
    CHECK(contains(outcome.out, "/data/sub dir 1770 0 0 "));
    CHECK(contains(outcome.out, "/data/fifo fifo 0600 0 0 "));
    CHECK(contains(outcome.out, "/outside"));
}

TEST_CASE("tmpcopyup: the image stays as it was", "[mounts][not-runc][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path data = make_data(box);
    add_tmpfs(box, {"tmpcopyup"});
    CHECK(box.life({"write", "/data/sub/deep/file", "changed"}).code == 0);
    CHECK(read_file(data / "sub/deep/file") == "kept\n");
}

TEST_CASE("tmpcopyup: without it the tmpfs is empty", "[mounts][not-runc][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    make_data(box);
    add_tmpfs(box, {});
    CHECK(!contains(box.life({"ls", "/data"}).out, "sub"));
}
