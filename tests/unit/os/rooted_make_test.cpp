// Directories and files made below a root that an attacker has filled, and goes on changing.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/rooted_path.h"
#include "support/catch.h"
#include "temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using os::RootedDir;
using Strings = std::vector<std::string>;

namespace {

// inside/ is the root, outside/ must stay as it is.
class Place {
  public:
    Place() {
        fs::create_directories(inside());
        put_file(outside() / "secret", "secret");
        fs::create_directories(outside() / "dir");
        root_ = os::open_at(AT_FDCWD, inside(), O_PATH | O_DIRECTORY);
    }

    RootedDir root() const { return RootedDir(root_.get()); }
    fs::path inside() const { return temp_ / "inside"; }
    fs::path outside() const { return temp_ / "outside"; }
    bool outside_is_untouched() const {
        return tree_of(outside()) == Strings{"dir/", "secret"} &&
               content_of(outside() / "secret") == "secret";
    }

  private:
    TempDir temp_;
    os::UniqueFd root_;
};

// umask 0 while it lives, so that modes are seen as asked for.
struct NoUmask {
    NoUmask() : before(::umask(0)) {}
    ~NoUmask() { ::umask(before); }
    NoUmask(const NoUmask&) = delete;
    NoUmask& operator=(const NoUmask&) = delete;
    mode_t before;
};

bool is_same(const os::UniqueFd& fd, const fs::path& path) {
    struct stat ours {};
    struct stat theirs {};
    return ::fstat(fd.get(), &ours) == 0 && ::stat(path.c_str(), &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

unsigned mode_of(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
}

int code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const SystemError& error) {
        return error.code();
    }
    return 0;
}

}  // namespace

TEST_CASE("make_directories makes what is missing, with the mode") {
    const Place place;
    const NoUmask no_umask;
    fs::create_directories(place.inside() / "there");
    fs::permissions(place.inside() / "there", fs::perms::owner_all);
    const auto fd = place.root().make_directories("/there//a/./b/", 0751);
    CHECK(is_same(fd, place.inside() / "there/a/b"));
    CHECK(mode_of(place.inside() / "there/a") == 0751);
    CHECK(mode_of(place.inside() / "there/a/b") == 0751);
    CHECK(mode_of(place.inside() / "there") == 0700);
    CHECK(tree_of(place.inside()) == Strings{"there/", "there/a/", "there/a/b/"});
}

TEST_CASE("make_directories of what is there is only a lookup") {
    const Place place;
    fs::create_directories(place.inside() / "a/b");
    fs::create_symlink("/a", place.inside() / "link");
    for (const auto* path : {"a/b", "/a/b", "link/b", "link/../a/b", "../../a/b"}) {
        INFO(path);
        CHECK(is_same(place.root().make_directories(path, 0755), place.inside() / "a/b"));
    }
    for (const auto* path : {"", "/", ".", "..", "//", "a/..", "/../.."}) {
        INFO(path);
        CHECK(is_same(place.root().make_directories(path, 0755), place.inside()));
    }
    CHECK(tree_of(place.inside()) == Strings{"a/", "a/b/", "link@"});
}

TEST_CASE("make_directories follows links inside") {
    const Place place;
    fs::create_directories(place.inside() / "usr/lib");
    fs::create_symlink("usr/lib", place.inside() / "lib");
    fs::create_symlink("../../../..", place.inside() / "usr/up");
    const auto fd = place.root().make_directories("lib/x/y", 0755);
    CHECK(is_same(fd, place.inside() / "usr/lib/x/y"));
    CHECK(is_same(place.root().make_directories("usr/up/z", 0755), place.inside() / "z"));
    CHECK(fs::is_symlink(place.inside() / "lib"));
}

TEST_CASE("make_directories with .. behind what it makes") {
    const Place place;
    const auto fd = place.root().make_directories("a/../b/../../c", 0755);
    CHECK(is_same(fd, place.inside() / "c"));
    CHECK(tree_of(place.inside()) == Strings{"a/", "b/", "c/"});
}

TEST_CASE("make_directories does not go through what is no directory") {
    const Place place;
    put_file(place.inside() / "file", "x");
    fs::create_symlink("loop", place.inside() / "loop");
    CHECK(code_of([&] { (void)place.root().make_directories("file", 0755); }) == ENOTDIR);
    CHECK(code_of([&] { (void)place.root().make_directories("file/a", 0755); }) == ENOTDIR);
    CHECK(code_of([&] { (void)place.root().make_directories("loop/a", 0755); }) == ELOOP);
    CHECK(tree_of(place.inside()) == Strings{"file", "loop@"});
}

TEST_CASE("make_file makes an empty file and its directories") {
    const Place place;
    const NoUmask no_umask;
    const auto fd = place.root().make_file("/a/b/file", 0640);
    CHECK(is_same(fd, place.inside() / "a/b/file"));
    CHECK((::fcntl(fd.get(), F_GETFL) & O_PATH) != 0);
    CHECK(mode_of(place.inside() / "a/b/file") == 0640);
    CHECK(mode_of(place.inside() / "a/b") == 0755);
    CHECK(fs::file_size(place.inside() / "a/b/file") == 0);
    CHECK(is_same(place.root().make_file("top", 0600), place.inside() / "top"));
}

TEST_CASE("make_file leaves what is there alone") {
    const Place place;
    put_file(place.inside() / "dir/file", "content");
    fs::create_symlink("dir/file", place.inside() / "link");
    CHECK(is_same(place.root().make_file("dir/file", 0600), place.inside() / "dir/file"));
    CHECK(is_same(place.root().make_file("link", 0600), place.inside() / "dir/file"));
    CHECK(is_same(place.root().make_file("dir", 0600), place.inside() / "dir"));
    CHECK(content_of(place.inside() / "dir/file") == "content");
}

TEST_CASE("make_file needs a name") {
    const Place place;
    for (const auto* path : {"none/..", "none/.", "", "none/../.."}) {
        INFO(path);
        const int code = code_of([&] { (void)place.root().make_file(path, 0600); });
        CHECK((code == EISDIR || code == ENOENT));
        CHECK(tree_of(place.inside()).empty());
    }
}

TEST_CASE("a link planted in any component leads nowhere outside") {
    const Strings elements{"one", "two", "three", "four"};
    const auto planted = GENERATE(range(0, 4));
    const auto kind = GENERATE(0, 1, 2, 3);
    const Place place;
    const Strings targets{
        place.outside().string(),  // absolute, on the host
        "../../../../../../../.." + place.outside().string(),
        std::string("../../outside").substr(3 * (planted == 0 ? 1U : 0U)),  // a neighbour
        "/",  // the root, wherever that is
    };
    const std::string target = targets[static_cast<std::size_t>(kind)];
    fs::path parent = place.inside();
    std::string path;
    for (int i = 0; i < 4; ++i) {
        path += concat("/", elements[static_cast<std::size_t>(i)]);
        if (i < planted) parent /= elements[static_cast<std::size_t>(i)];
    }
    fs::create_directories(parent);
    fs::create_symlink(target, parent / elements[static_cast<std::size_t>(planted)]);
    INFO("component " << planted << " leads to " << target);

    const int directories = code_of([&] { (void)place.root().make_directories(path, 0755); });
    const int file = code_of([&] { (void)place.root().make_file(path + "/file", 0644); });
    const int found = code_of([&] {
        if (!place.root().find(path + "/secret", O_PATH)) throw SystemError(ENOENT, "find");
    });
    CHECK(place.outside_is_untouched());
    CHECK(found == ENOENT);
    // What the link means as seen from the root is made there.
    CHECK(directories == 0);
    CHECK(file == 0);
}

TEST_CASE("what a dangling link leads to is made inside") {
    const Place place;
    const NoUmask no_umask;
    const std::string host = (place.outside() / "new").string();
    fs::create_symlink(host, place.inside() / "host");
    fs::create_directories(place.inside() / "etc");
    fs::create_symlink("../run/resolve/stub.conf", place.inside() / "etc/resolv.conf");
    fs::create_symlink("../../../../etc/next", place.inside() / "etc/chain");
    fs::create_symlink("../deep/er/", place.inside() / "etc/next");
    CHECK(is_same(place.root().make_file("/host", 0640), place.inside() / host.substr(1)));
    CHECK(mode_of(place.inside() / host.substr(1)) == 0640);
    CHECK(is_same(place.root().make_file("/etc/resolv.conf", 0644),
                  place.inside() / "run/resolve/stub.conf"));
    CHECK(mode_of(place.inside() / "run/resolve") == 0755);
    CHECK(
        is_same(place.root().make_directories("etc/chain/x", 0750), place.inside() / "deep/er/x"));
    CHECK(mode_of(place.inside() / "deep/er") == 0750);
    CHECK(place.outside_is_untouched());
    CHECK(fs::is_symlink(place.inside() / "etc/resolv.conf"));
}

TEST_CASE("where links are refused nothing is made behind one") {
    const Place place;
    fs::create_symlink("new", place.inside() / "link");
    const RootedDir root(place.root().fd(), os::Links::refuse);
    for (const auto* path : {"link", "link/x"}) {
        INFO(path);
        CHECK(code_of([&] { (void)root.make_file(path, 0644); }) == ELOOP);
        CHECK(code_of([&] { (void)root.make_directories(path, 0755); }) == ELOOP);
    }
    CHECK(tree_of(place.inside()) == Strings{"link@"});
}
