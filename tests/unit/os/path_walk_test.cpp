// The slow way does what openat2(2) does: both are asked the same.
#include "os/path_walk.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "os/file.h"
#include "os/process.h"
#include "support/catch.h"
#include "temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;

namespace {

// What was found, or why nothing was.
std::string described(int fd) {
    if (fd == -1) return errno_text(errno);
    const os::UniqueFd owner(fd);
    struct stat status {};
    REQUIRE(::fstat(fd, &status) == 0);
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + " mode " +
           std::to_string(status.st_mode) + " flags " +
           std::to_string(::fcntl(fd, F_GETFL) & O_ACCMODE) + " cloexec " +
           std::to_string(::fcntl(fd, F_GETFD));
}

std::string by_kernel(int dir, const std::string& path, int flags, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = resolve;
    // A process of this machine may mount or rename something meanwhile. Then the kernel begins
    // anew by itself, but goes on counting the links; or it says EAGAIN.
    constexpr int kTries = 500;
    long fd = -1;
    for (int i = 0; i < kTries && fd == -1; ++i) {
        fd = ::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
        if (fd == -1 && errno != EAGAIN && errno != ELOOP) break;
    }
    return described(static_cast<int>(fd));
}

std::string by_walk(int dir, const std::string& path, int flags, std::uint64_t resolve) {
    return described(os::walk_path(dir, path, flags, resolve));
}

}  // namespace

TEST_CASE("path walk: finds what openat2 finds, and refuses what it refuses", "[native]") {
    const TempDir temp;
    put_file(temp / "secret", "secret");
    put_file(temp / "inside/dir/file", "file");
    put_file(temp / "inside/dir/sub/deep", "deep");
    put_file(temp / "inside/top", "top");
    const auto link = [&](const char* name, const std::string& target) {
        fs::create_symlink(target, temp / "inside" / name);
    };
    link("absolute", "/dir/file");
    link("relative", "dir/file");
    link("climbing", "../../../../dir/file");
    link("with-slash", "dir/");
    link("to-file-with-slash", "top/");
    link("to-dir", "/dir");
    link("dir/up", "..");
    link("dir/sub/up", "../..");
    link("root", "/");
    link("dots", "./dir/.././top");
    link("chain1", "chain2");
    link("chain2", "/to-dir/up/chain3");
    link("chain3", "top");
    link("loop", "pool");
    link("pool", "loop");
    link("dangling", "nowhere/at/all");
    link("host", (temp / "secret").string());
    link("neighbour", "../secret");
    std::string forty = "top";
    for (int i = 0; i < 41; ++i) {
        const std::string name = "n" + std::to_string(i);
        link(name.c_str(), forty);
        forty = name;
    }
    const auto inside = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);

    for (const auto* path : {"",
                             "/",
                             ".",
                             "..",
                             "//",
                             "top",
                             "/top",
                             "top/",
                             "top/.",
                             "top/..",
                             "dir",
                             "dir/",
                             "dir/.",
                             "dir/..",
                             "dir/../..",
                             "dir/../../secret",
                             "dir/sub/../file",
                             "./dir//file",
                             "../secret",
                             "/../secret",
                             "missing",
                             "missing/..",
                             "dir/missing",
                             "dir/file/more",
                             "absolute",
                             "relative",
                             "climbing",
                             "with-slash",
                             "with-slash/file",
                             "to-file-with-slash",
                             "to-dir",
                             "to-dir/",
                             "to-dir/file",
                             "to-dir/up/top",
                             "dir/sub/up/top",
                             "root",
                             "root/top",
                             "root/../top",
                             "dots",
                             "chain1",
                             "chain1/",
                             "loop",
                             "loop/x",
                             "dangling",
                             "dangling/x",
                             "host",
                             "neighbour",
                             "n38",
                             "n39",
                             "n40"}) {
        for (const auto base : {std::uint64_t{RESOLVE_IN_ROOT}, std::uint64_t{RESOLVE_BENEATH}}) {
            for (const auto more : {std::uint64_t{0}, std::uint64_t{RESOLVE_NO_SYMLINKS},
                                    std::uint64_t{RESOLVE_NO_XDEV}}) {
                for (const int flags :
                     {O_PATH, O_RDONLY, O_WRONLY, O_PATH | O_DIRECTORY, O_RDONLY | O_DIRECTORY,
                      O_PATH | O_NOFOLLOW, O_RDONLY | O_NOFOLLOW}) {
                    CAPTURE(path, base, more, flags);
                    CHECK(by_walk(inside.get(), path, flags, base | more) ==
                          by_kernel(inside.get(), path, flags, base | more));
                }
            }
        }
    }
}

TEST_CASE("path walk: an absolute path of no root, through no link", "[native]") {
    const TempDir temp;
    put_file(temp / "dir/file", "file");
    fs::create_symlink("dir", temp / "link");
    const auto at = [&](const char* name) { return (temp / name).string(); };
    for (const auto& path : {at("dir/file"), at("link/file"), at("dir/../dir/file")}) {
        CAPTURE(path);
        CHECK(by_walk(AT_FDCWD, path, O_RDONLY, RESOLVE_NO_SYMLINKS) ==
              by_kernel(AT_FDCWD, path, O_RDONLY, RESOLVE_NO_SYMLINKS));
    }
}

TEST_CASE("path walk: a deep path, and up again as far as is remembered", "[native]") {
    const TempDir temp;
    std::string deep = "inside";
    for (int i = 0; i < 30; ++i) deep += "/d" + std::to_string(i);
    put_file(temp / deep / "file", "file");
    const auto inside = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);
    const std::string path = deep.substr(deep.find('/') + 1);
    CHECK(by_walk(inside.get(), path + "/file", O_RDONLY, RESOLVE_IN_ROOT) ==
          by_kernel(inside.get(), path + "/file", O_RDONLY, RESOLVE_IN_ROOT));
    std::string up = path;
    for (int i = 0; i < 15; ++i) up += "/..";
    CHECK(by_walk(inside.get(), up, O_PATH, RESOLVE_IN_ROOT) ==
          by_kernel(inside.get(), up, O_PATH, RESOLVE_IN_ROOT));
    CHECK(by_walk(inside.get(), up + "/..", O_PATH, RESOLVE_IN_ROOT) == errno_text(ELOOP));
    // From the root on it is known again.
    fs::create_symlink("/d0", temp / deep / "link");
    CHECK(by_walk(inside.get(), path + "/link/../d0", O_PATH, RESOLVE_IN_ROOT) ==
          by_kernel(inside.get(), "d0", O_PATH, RESOLVE_IN_ROOT));
}

TEST_CASE("path walk: another filesystem is one too many", "[native]") {
    const auto root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    for (const auto* path : {"proc/self/stat", "proc/version", "dev/null"}) {
        CAPTURE(path);
        CHECK(by_walk(root.get(), path, O_RDONLY, RESOLVE_IN_ROOT | RESOLVE_NO_XDEV) ==
              "invalid cross-device link");
    }
    const auto proc = os::open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    CHECK(by_walk(proc.get(), "self/stat", O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV)
              .find("mode") != std::string::npos);
}

TEST_CASE("path walk: a directory that is exchanged with links to the outside", "[race]") {
    const TempDir temp;
    put_file(temp / "inside/dir/file", "inside");
    put_file(temp / "inside/dir/sub/x", "inside");
    put_file(temp / "inside/marker", "inside");
    put_file(temp / "outside/file", "secret");
    put_file(temp / "outside/marker", "secret");
    put_file(temp / "marker", "secret");
    fs::create_directories(temp / "outside/deep/sub");
    // A link out of it, and a whole directory out of it, so that ".." would be another one.
    const bool moves_out = GENERATE(false, true);
    fs::create_symlink("../outside", temp / "inside/trap");
    const fs::path left = temp / "inside/dir";
    const fs::path right = moves_out ? temp / "outside/deep" : temp / "inside/trap";
    const auto inside = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);
    const pid_t racer = ::fork();
    if (racer == 0) {
        os::reset_signals();
        ::alarm(60);
        while (::renameat2(AT_FDCWD, left.c_str(), AT_FDCWD, right.c_str(), RENAME_EXCHANGE) == 0) {
        }
        ::_exit(1);
    }
    int found = 0;
    int refused = 0;
    int secrets = 0;
    for (int i = 0; i < 20000; ++i) {
        const char* path = i % 2 == 0 ? "dir/file" : "dir/sub/../../marker";
        const os::UniqueFd fd(
            os::walk_path(inside.get(), path, O_RDONLY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
        if (!fd.valid()) {
            ++refused;
            continue;
        }
        ++found;
        if (os::read_all(fd.get(), path) == "secret") ++secrets;
    }
    ::kill(racer, SIGKILL);
    int status = 0;
    ::waitpid(racer, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(secrets == 0);
    CHECK(found > 0);
    CHECK(refused > 0);
}
