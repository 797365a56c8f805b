// Lookup below a root that an attacker has filled with symbolic links.

#include "os/rooted_path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/error.h"
#include "os/file.h"
#include "support/catch.h"
#include "temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using os::RootedDir;

namespace {

// Each file's content is its own name, so a test sees where a path has led.
class Farm {
  public:
    Farm() {
        put_file(outside() / "secret", "outside/secret");
        put_file(temp_ / "secret", "secret");  // what "../secret" would be
        put_file(inside() / "dir/file", "dir/file");
        put_file(inside() / "dir/sub/deep", "dir/sub/deep");
        put_file(inside() / "top", "top");
        link("absolute", "/dir/file");
        link("relative", "dir/file");
        link("climbing", "../../../../../../dir/file");
        link("through-dir", "dir/sub/../file");
        link("to-dir", "/dir");
        link("dir/up", "..");
        link("root", "/");
        link("chain1", "chain2");
        link("chain2", "/to-dir/up/chain3");
        link("chain3", "top");
        link("loop", "pool");
        link("pool", "loop");
        link("self", "self");
        link("dangling", "nowhere/at/all");
        link("host-path", (outside() / "secret").string());
        link("neighbour", "../secret");
        link("neighbour-dir", "../outside");
        link("host-dir", outside().string());
        root_ = os::open_at(AT_FDCWD, inside(), O_PATH | O_DIRECTORY);
    }

    RootedDir root() const { return RootedDir(root_.get()); }
    fs::path inside() const { return temp_ / "inside"; }
    fs::path outside() const { return temp_ / "outside"; }

  private:
    void link(const char* name, const std::string& target) const {
        fs::create_symlink(target, inside() / name);
    }

    TempDir temp_;
    os::UniqueFd root_;
};

// The content of what the path leads to, or the errno text.
std::string look(const Farm& farm, const std::string& path) {
    try {
        return os::read_all(farm.root().open(path, O_RDONLY).get(), path);
    } catch (const SystemError& error) {
        return errno_text(error.code());
    }
}

struct Lookup {
    const char* path;
    const char* result;
};

constexpr const char* kNone = "no such file or directory";
constexpr const char* kLoop = "too many levels of symbolic links";

}  // namespace

TEST_CASE("paths lead to what they mean inside") {
    const Farm farm;
    const auto [path, result] = GENERATE(values<Lookup>({
        {"top", "top"},
        {"/top", "top"},
        {"//top", "top"},
        {"./top", "top"},
        {"../top", "top"},
        {"/../../../top", "top"},
        {"dir/../dir/./file", "dir/file"},
        {"dir/sub/../../../../top", "top"},
        {"absolute", "dir/file"},
        {"relative", "dir/file"},
        {"climbing", "dir/file"},
        {"through-dir", "dir/file"},
        {"to-dir/sub/deep", "dir/sub/deep"},
        {"to-dir/up/top", "top"},
        {"root/root/root/top", "top"},
        {"root/../top", "top"},
        {"chain1", "top"},
        {"neighbour", kNone},
        {"host-path", kNone},
        {"host-dir/secret", kNone},
        {"neighbour-dir/secret", kNone},
        {"../secret", kNone},
        {"dir/../../secret", kNone},
        {"dir/up/../../secret", kNone},
        {"dangling", kNone},
        {"dir/none", kNone},
        {"loop", kLoop},
        {"self", kLoop},
        {"self/below", kLoop},
        {"top/below", "not a directory"},
        {"", "is a directory"},
        {"/", "is a directory"},
        {"..", "is a directory"},
    }));
    INFO(path);
    CHECK(look(farm, path) == result);
}

TEST_CASE("a link that exists under the root's own copy of the host's path is followed") {
    const Farm farm;
    put_file(fs::path(farm.inside().string() + (farm.outside() / "secret").string()), "copy");
    CHECK(look(farm, "host-path") == "copy");
    CHECK(look(farm, "host-dir/secret") == "copy");
}

TEST_CASE("find tells absence from failure") {
    const Farm farm;
    CHECK(farm.root().find("top", O_PATH));
    CHECK(farm.root().find("/", O_PATH));
    for (const auto* path : {"none", "dir/none", "dangling", "host-path", "top/below"}) {
        INFO(path);
        CHECK_FALSE(farm.root().find(path, O_PATH));
    }
    CHECK_THROWS_WITH(farm.root().find("loop", O_PATH),
                      "openat2 \"loop\": too many levels of symbolic links");
}

TEST_CASE("the last link itself can be opened, without following it") {
    const Farm farm;
    const auto link = farm.root().open("host-path", O_PATH | O_NOFOLLOW);
    struct stat status {};
    REQUIRE(::fstat(link.get(), &status) == 0);
    CHECK(S_ISLNK(status.st_mode));
}

TEST_CASE("links of procfs that lead anywhere are refused", "[native]") {
    const auto slash = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    const RootedDir root(slash.get());
    for (const auto* path : {"/proc/self/root", "/proc/self/cwd/x", "/proc/self/exe",
                             "/proc/self/fd/0", "proc/self/ns/mnt"}) {
        INFO(path);
        CHECK_THROWS_WITH(root.find(path, O_PATH), Catch::EndsWith(kLoop));
    }
    CHECK(root.find("/proc/self/status", O_PATH));  // an ordinary link on the way
}

TEST_CASE("descriptors of lookups close on exec") {
    const Farm farm;
    for (const int flags : {O_PATH, O_RDONLY}) {
        const auto fd = farm.root().open("top", flags);
        CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("a file is made inside only", "[native]") {
    const Farm farm;
    const auto made = farm.root().open("../../new", O_WRONLY | O_CREAT, 0600);
    CHECK(made.valid());
    CHECK(fs::exists(farm.inside() / "new"));
    // The target of the link would be made, but its directory exists outside only.
    CHECK_THROWS_AS(farm.root().open("neighbour-dir/new", O_WRONLY | O_CREAT, 0600), SystemError);
    CHECK(tree_of(farm.outside()) == std::vector<std::string>{"secret"});
}

TEST_CASE("split_parent") {
    using Pair = std::pair<std::string_view, std::string_view>;
    CHECK(os::split_parent("a/b/c") == Pair{"a/b", "c"});
    CHECK(os::split_parent("c") == Pair{"", "c"});
    CHECK(os::split_parent("/c") == Pair{"", "c"});
    CHECK(os::split_parent("/a/b///") == Pair{"/a", "b"});
    CHECK(os::split_parent("a/..") == Pair{"a", ".."});
    CHECK(os::split_parent("") == Pair{"", ""});
    CHECK(os::split_parent("/") == Pair{"", ""});
    CHECK(os::split_parent("///") == Pair{"", ""});
}

TEST_CASE("is_same_or_below compares elements, not characters") {
    CHECK(os::is_same_or_below("/a/b", "/a"));
    CHECK(os::is_same_or_below("/a", "/a"));
    CHECK(os::is_same_or_below("/a", "/a/"));
    CHECK(os::is_same_or_below("/a/", "/a"));
    CHECK(os::is_same_or_below("/a", "/"));
    CHECK(os::is_same_or_below("/", "/"));
    CHECK_FALSE(os::is_same_or_below("/ab", "/a"));
    CHECK_FALSE(os::is_same_or_below("/a", "/a/b"));
    CHECK_FALSE(os::is_same_or_below("/rootfs-evil", "/rootfs"));
    CHECK_FALSE(os::is_same_or_below("a", "/"));
    CHECK_FALSE(os::is_same_or_below("", "/"));
    CHECK_FALSE(os::is_same_or_below("", "/a"));
}
