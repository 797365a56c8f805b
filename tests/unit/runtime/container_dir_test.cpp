#include "runtime/container_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "os/file.h"
#include "os/process.h"
#include "support/catch.h"
#include "unit/os/child.h"
#include "unit/os/needs.h"
#include "unit/os/temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using runtime::ContainerDir;
using Strings = std::vector<std::string>;

namespace {

unsigned mode_of(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
}

}  // namespace

TEST_CASE("IDs that are accepted") {
    for (const std::string id : {"a", "0", "c1", "A.b_c+d-e", "...", ".hidden", "-x", "_"}) {
        INFO(id);
        CHECK_NOTHROW(runtime::check_id(id));
    }
    CHECK_NOTHROW(runtime::check_id(std::string(1024, 'x')));
}

TEST_CASE("IDs that could mean another place, or another line") {
    for (const std::string id : {"", ".", "..", "a/b", "/a", "a/", "../a", "a b", "a\nb", "a\tb",
                                 "a:b", "a@b", "ä", "a\\b", "$(x)", "a*"}) {
        INFO(id);
        CHECK_THROWS_AS(runtime::check_id(id), Error);
    }
    CHECK_THROWS_AS(runtime::check_id(std::string_view("a\0b", 3)), Error);
    CHECK_THROWS_AS(runtime::check_id(std::string(1025, 'x')), Error);
    CHECK_THROWS_WITH(runtime::check_id("a\nb"),
                      "container ID: expected letters, digits and the characters _ + . -, "
                      "got \"a\\x0ab\"");
}

TEST_CASE("a container directory is made with the runtime root, and is private") {
    const TempDir temp;
    const auto root = temp / "run/lxcri";
    const auto dir = ContainerDir::create(root, "c1");
    CHECK(fs::is_directory(root / "c1"));
    CHECK((mode_of(root / "c1") & 077U & ~011U) == 0);  // only the owner reads or writes there
    CHECK((mode_of(root) & 066U) == 0);
    CHECK((::fcntl(dir.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("an ID in use stays as it is") {
    const TempDir temp;
    const auto first = ContainerDir::create(temp.path(), "c1");
    put_file(temp / "c1/config.json", "{}");
    CHECK_THROWS_WITH(ContainerDir::create(temp.path(), "c1"), "container \"c1\" exists already");
    CHECK_THROWS_AS(ContainerDir::create(temp.path(), "c1"), StateError);
    CHECK(content_of(temp / "c1/config.json") == "{}");
    put_file(temp / "file", "");
    CHECK_THROWS_AS(ContainerDir::create(temp.path(), "file"), StateError);
}

TEST_CASE("a container that does not exist") {
    const TempDir temp;
    CHECK_THROWS_AS(ContainerDir::open(temp.path(), "c1"), NotFoundError);
    CHECK_THROWS_AS(ContainerDir::open(temp / "no/root", "c1"), NotFoundError);
    CHECK_THROWS_WITH(ContainerDir::open(temp.path(), "c1"), "container \"c1\" does not exist");
}

TEST_CASE("a link in the runtime root is no container") {
    const TempDir temp;
    fs::create_directories(temp / "elsewhere");
    put_file(temp / "elsewhere/state.json", "precious");
    fs::create_directories(temp / "root");
    fs::create_directory_symlink(temp / "elsewhere", temp / "root/c1");
    CHECK_THROWS_AS(ContainerDir::open(temp / "root", "c1"), Error);
    CHECK_THROWS_AS(ContainerDir::create(temp / "root", "c1"), StateError);
    CHECK(runtime::list_ids(temp / "root").empty());
    CHECK(content_of(temp / "elsewhere/state.json") == "precious");
}

TEST_CASE("a directory that cannot be entered does not stay") {
    UNIT_NEEDS(is_root(), "needs root");
    const TempDir temp;
    fs::create_directories(temp / "root");
    REQUIRE(::chown((temp / "root").c_str(), 65534, 65534) == 0);
    REQUIRE(::chmod(temp.path().c_str(), 0755) == 0);
    CHECK(in_child([&] {
              ::umask(0777);
              if (::setresuid(65534, 65534, 65534) != 0) return std::string("no such user");
              (void)ContainerDir::create(temp / "root", "c1");
              return std::string("made");
          }) == "exception: open \"c1\": permission denied");
    CHECK(tree_of(temp.path()) == Strings{"root/"});
}

TEST_CASE("the list has the IDs and nothing else") {
    const TempDir temp;
    for (const auto* name : {"b", "a", "B", "c.1"}) fs::create_directories(temp / name);
    fs::create_directories(temp / "no id");
    put_file(temp / "file", "");
    fs::create_symlink("a", temp / "link");
    CHECK(runtime::list_ids(temp.path()) == Strings{"B", "a", "b", "c.1"});
    CHECK_THROWS_AS(runtime::list_ids(temp / "none"), SystemError);
}

TEST_CASE("who creates holds the lock") {
    const TempDir temp;
    auto dir = ContainerDir::create(temp.path(), "c1");
    CHECK_FALSE(dir.is_locked_by_other());
    CHECK(ContainerDir::open(temp.path(), "c1").is_locked_by_other());
    CHECK(in_child([&] {
              // Another process: the descriptor of the parent is not its own.
              const auto other = ContainerDir::open(temp.path(), "c1");
              return std::string(other.is_locked_by_other() ? "locked" : "free");
          }) == "locked");
}

TEST_CASE("the lock ends with its holder") {
    const TempDir temp;
    { const auto dir = ContainerDir::create(temp.path(), "c1"); }
    auto dir = ContainerDir::open(temp.path(), "c1");
    CHECK_FALSE(dir.is_locked_by_other());
    CHECK(in_child([&] {
              auto other = ContainerDir::open(temp.path(), "c1");
              other.lock();
              return std::string(dir.is_locked_by_other() ? "locked" : "free");
          }) == "locked");
    CHECK_FALSE(dir.is_locked_by_other());  // that process has gone
    dir.lock();
    dir.lock();  // once more is nothing
    CHECK_FALSE(dir.is_locked_by_other());
}

TEST_CASE("a command waits for the one before it", "[native]") {
    const TempDir temp;
    { const auto dir = ContainerDir::create(temp.path(), "c1"); }
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    auto holder = os::fork_child();
    if (!holder) {
        os::reset_signals();
        auto dir = ContainerDir::open(temp.path(), "c1");
        dir.lock();
        (void)!::write(ends[1], "l", 1);
        ::usleep(100000);
        os::write_atomically_at(dir.fd(), "state.json", "done", 0600);
        ::_exit(0);
    }
    char byte = 0;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
    auto dir = ContainerDir::open(temp.path(), "c1");
    dir.lock();
    CHECK(content_of(temp / "c1/state.json") == "done");
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a directory is removed with what is in it, and may be gone already") {
    const TempDir temp;
    auto dir = ContainerDir::create(temp.path(), "c1");
    put_file(temp / "c1/config.json", "{}");
    put_file(temp / "c1/state.json", "{}");
    put_file(temp / "c1/.state.json.77", "left by a command that was killed");
    REQUIRE(::mkfifoat(dir.fd(), "start.fifo", 0600) == 0);
    put_file(temp / "outside", "precious");
    fs::create_symlink(temp / "outside", temp / "c1/link");
    auto other = ContainerDir::open(temp.path(), "c1");
    dir.remove();
    CHECK(tree_of(temp.path()) == Strings{"outside"});
    CHECK(content_of(temp / "outside") == "precious");
    CHECK_NOTHROW(dir.remove());
    CHECK_NOTHROW(other.remove());
}

TEST_CASE("the record is the last to go") {
    const TempDir temp;
    auto dir = ContainerDir::create(temp.path(), "c1");
    put_file(temp / "c1/state.json", "{}");
    fs::create_directories(temp / "c1/zzz");  // cannot be unlinked: the removal fails
    fs::create_directories(temp / "c1/aaa");
    CHECK_THROWS_AS(dir.remove(), SystemError);
    CHECK(fs::exists(temp / "c1/state.json"));
    dir.remove(ContainerDir::Strangers::remove);
    CHECK_FALSE(fs::exists(temp / "c1"));
}
