#include "os/file.h"

#include <signal.h>
#include <sys/mman.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "child.h"
#include "support/catch.h"
#include "temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using Strings = std::vector<std::string>;

namespace {

os::UniqueFd open_dir(const fs::path& path) {
    return os::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}

int code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const SystemError& error) {
        return error.code();
    }
    return 0;
}

bool closes_on_exec(const os::UniqueFd& fd) {
    return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0;
}

}  // namespace

TEST_CASE("every descriptor is made with FD_CLOEXEC") {
    const TempDir temp;
    put_file(temp / "a", "text");
    const auto dir = open_dir(temp.path());
    CHECK(closes_on_exec(dir));
    CHECK(closes_on_exec(os::open_at(dir.get(), "a", O_RDONLY)));
    CHECK(closes_on_exec(*os::find_at(dir.get(), "a", O_RDONLY)));
    CHECK(closes_on_exec(os::make_sealed_memfd("name", "data")));
    CHECK(closes_on_exec(os::duplicate(dir.get())));
}

TEST_CASE("a duplicate never takes the number of a standard stream") {
    CHECK(in_child([] {
              ::close(0);
              const auto copy = os::duplicate(1);
              return copy.get() > 2 ? "ok" : "low";
          }) == "ok");
}

TEST_CASE("a file that is not there") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    CHECK_FALSE(os::find_at(dir.get(), "none", O_RDONLY));
    CHECK_FALSE(os::find_file_at(dir.get(), "none"));
    CHECK_THROWS_WITH(os::open_at(dir.get(), "none", O_RDONLY),
                      "open \"none\": no such file or directory");
    CHECK_THROWS_WITH(os::read_file_at(dir.get(), "none"),
                      "open \"none\": no such file or directory");
    // Something else is wrong: that is no absence.
    put_file(temp / "file", "");
    CHECK(code_of([&] { (void)os::find_at(dir.get(), "file/below", O_RDONLY); }) == ENOTDIR);
    fs::create_symlink("loop", temp / "loop");
    CHECK(code_of([&] { (void)os::find_at(dir.get(), "loop", O_RDONLY); }) == ELOOP);
}

TEST_CASE("read_all takes everything up to the limit") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    for (const std::size_t size : {0U, 1U, 16383U, 16384U, 16385U, 100000U}) {
        INFO(size);
        const std::string content(size, 'z');
        put_file(temp / "file", content);
        CHECK(os::read_file_at(dir.get(), "file") == content);
        const auto fd = os::open_at(dir.get(), "file", O_RDONLY);
        CHECK(os::read_all(fd.get(), "file", size) == content);
        ::lseek(fd.get(), 0, SEEK_SET);
        if (size > 0) {
            CHECK(code_of([&] { (void)os::read_all(fd.get(), "file", size - 1); }) == EFBIG);
        }
    }
    CHECK(code_of([&] { (void)os::read_all(dir.get(), "dir"); }) == EISDIR);
}

TEST_CASE("an endless file ends at the limit") {
    const auto zero = os::open_at(AT_FDCWD, "/dev/zero", O_RDONLY);
    CHECK_THROWS_WITH(os::read_all(zero.get(), "zero", 1U << 20U), "read \"zero\": file too large");
}

TEST_CASE("a value is one write") {
    const TempDir temp;
    put_file(temp / "value", "longer than what comes");
    const auto dir = open_dir(temp.path());
    os::write_value_at(dir.get(), "value", "abc");  // as to a cgroup file: no O_TRUNC
    CHECK(content_of(temp / "value") == "abcger than what comes");
    CHECK(os::try_write_value_at(dir.get(), "none", "x") == ENOENT);
    CHECK_FALSE(fs::exists(temp / "none"));
    CHECK(os::try_write_value_at(AT_FDCWD, "/proc/self/oom_score_adj", "many") == EINVAL);
    CHECK(os::try_write_value_at(AT_FDCWD, "/dev/full", "x") == ENOSPC);
    CHECK_THROWS_WITH(os::write_value_at(AT_FDCWD, "/dev/full", "a\nb"),
                      "write \"a\\x0ab\" to \"/dev/full\": no space left on device");
}

TEST_CASE("a file that is written atomically replaces the old one") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    os::write_atomically_at(dir.get(), "state.json", "one", 0600);
    CHECK(content_of(temp / "state.json") == "one");
    CHECK((fs::status(temp / "state.json").permissions() & fs::perms::mask) ==
          static_cast<fs::perms>(0600));
    os::write_atomically_at(dir.get(), "state.json", "", 0644);
    CHECK(content_of(temp / "state.json").empty());
    CHECK(tree_of(temp.path()) == Strings{"state.json"});
}

TEST_CASE("a file that is written atomically replaces a link and not its target") {
    const TempDir temp;
    put_file(temp / "target", "old");
    fs::create_symlink("target", temp / "link");
    os::write_atomically_at(open_dir(temp.path()).get(), "link", "new", 0600);
    CHECK(content_of(temp / "target") == "old");
    CHECK(content_of(temp / "link") == "new");
    CHECK_FALSE(fs::is_symlink(temp / "link"));
}

TEST_CASE("a failed atomic write leaves nothing behind") {
    const TempDir temp;
    fs::create_directories(temp / "name/inside");
    const auto dir = open_dir(temp.path());
    CHECK(code_of([&] { os::write_atomically_at(dir.get(), "name", "x", 0600); }) == EISDIR);
    CHECK(tree_of(temp.path()) == Strings{"name/", "name/inside/"});
}

TEST_CASE("an atomic write does not touch a temporary file of another process") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    const std::string temporary = ".name." + std::to_string(::getpid());
    put_file(temp / "target", "precious");
    fs::create_symlink("target", temp / temporary);
    CHECK(code_of([&] { os::write_atomically_at(dir.get(), "name", "x", 0600); }) == EEXIST);
    CHECK(content_of(temp / "target") == "precious");
    CHECK(tree_of(temp.path()) == Strings{temporary + "@", "target"});
}

TEST_CASE("a reader sees the old or the new content, never a part") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    const std::string small(10, 'a');
    const std::string large(300000, 'b');
    os::write_atomically_at(dir.get(), "file", small, 0600);
    const pid_t writer = ::fork();
    if (writer == 0) {
        ::alarm(60);
        for (;;) {
            os::write_atomically_at(dir.get(), "file", large, 0600);
            os::write_atomically_at(dir.get(), "file", small, 0600);
        }
    }
    int seen_large = 0;
    int seen_small = 0;
    int seen_other = 0;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while ((seen_large < 50 || seen_small < 50) && std::chrono::steady_clock::now() < deadline) {
        const auto text = os::find_file_at(dir.get(), "file");
        ++(text == large ? seen_large : text == small ? seen_small : seen_other);
    }
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    CHECK(seen_other == 0);
    CHECK(seen_large >= 50);  // they did meet
    CHECK(seen_small >= 50);
}

TEST_CASE("a sealed file in memory has its content and never changes") {
    const auto fd = os::make_sealed_memfd("plan", "content");
    CHECK(::lseek(fd.get(), 0, SEEK_CUR) == 0);
    CHECK(::write(fd.get(), "x", 1) == -1);
    CHECK(errno == EPERM);
    CHECK(::ftruncate(fd.get(), 0) == -1);
    CHECK(::ftruncate(fd.get(), 100) == -1);
    CHECK(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE) == -1);  // F_SEAL_SEAL
    CHECK(os::read_all(fd.get(), "plan") == "content");
}

TEST_CASE("a file that is published has one name, and replaces what is there") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    os::publish_at(dir.get(), "pid", "one", 0644);
    CHECK(content_of(temp / "pid") == "one");
    put_file(temp / "target", "precious");
    fs::remove(temp / "pid");
    fs::create_symlink("target", temp / "pid");
    os::publish_at(dir.get(), "pid", "two", 0600);
    CHECK(content_of(temp / "pid") == "two");
    CHECK(content_of(temp / "target") == "precious");
    CHECK(tree_of(temp.path()) == Strings{"pid", "target"});
    CHECK((fs::status(temp / "pid").permissions() & fs::perms::mask) ==
          static_cast<fs::perms>(0600));
    fs::create_directories(temp / "folder");
    CHECK(code_of([&] { os::publish_at(dir.get(), "folder", "x", 0600); }) == EISDIR);
}

TEST_CASE("what should be a regular file and is not is refused at once") {
    const TempDir temp;
    const auto dir = open_dir(temp.path());
    CHECK_FALSE(os::find_regular_file_at(dir.get(), "none"));
    put_file(temp / "file", "text");
    CHECK(os::find_regular_file_at(dir.get(), "file") == "text");
    REQUIRE(::mkfifo((temp / "fifo").c_str(), 0600) == 0);
    fs::create_directories(temp / "folder");
    for (const std::string name : {"fifo", "folder"}) {
        CHECK_THROWS_WITH(os::find_regular_file_at(dir.get(), name),
                          "\"" + name + "\" is not a regular file");
    }
    fs::create_symlink("file", temp / "link");
    CHECK(code_of([&] { (void)os::find_regular_file_at(dir.get(), "link"); }) == ELOOP);
}

TEST_CASE("where a descriptor is") {
    const TempDir temp;
    CHECK(os::path_of(open_dir(temp.path()).get()) == temp.path());
    CHECK(os::path_of(os::make_sealed_memfd("name", "data").get()).starts_with("/memfd:"));
    CHECK(os::path_of(-1).empty());
}
