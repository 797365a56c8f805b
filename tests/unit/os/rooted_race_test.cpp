// An attacker swaps directories and links while we look: bounded numbers of rounds, against a
// process that does nothing else.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "os/file.h"
#include "os/process.h"
#include "os/rooted_path.h"
#include "support/catch.h"
#include "temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using os::RootedDir;

namespace {

constexpr int kRounds = 3000;

// Exchanges two names until it is destroyed.
class Racer {
  public:
    Racer(const fs::path& left, const fs::path& right) : pid_(::fork()) {
        if (pid_ != 0) return;
        os::reset_signals();
        ::alarm(60);
        for (;;) {
            if (::renameat2(AT_FDCWD, left.c_str(), AT_FDCWD, right.c_str(), RENAME_EXCHANGE) ==
                -1) {
                ::_exit(1);
            }
        }
    }
    Racer(const Racer&) = delete;
    Racer& operator=(const Racer&) = delete;
    ~Racer() { stop(); }

    // Did it race all the time?
    bool stop() {
        if (pid_ <= 0) return false;
        ::kill(pid_, SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFSIGNALED(status);
    }

  private:
    pid_t pid_;
};

struct Count {
    int done = 0;
    int refused = 0;
};

// `action` says true for what is right; it may also fail with a SystemError.
template <class Action>
Count race(const fs::path& left, const fs::path& right, Action&& action) {
    Count count;
    Racer racer(left, right);
    for (int i = 0; i < kRounds; ++i) {
        try {
            if (action(i)) ++count.done;
        } catch (const SystemError&) {
            ++count.refused;
        }
    }
    CHECK(racer.stop());
    return count;
}

}  // namespace

TEST_CASE("a directory that is exchanged with a link to the outside", "[race]") {
    const TempDir temp;
    fs::create_directories(temp / "inside/dir");
    fs::create_directories(temp / "outside");
    put_file(temp / "outside/secret", "secret");
    const bool absolute = GENERATE(true, false);
    fs::create_symlink(absolute ? (temp / "outside").string() : "../outside", temp / "inside/trap");
    const auto fd = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);
    const RootedDir root(fd.get());

    const auto made = race(temp / "inside/dir", temp / "inside/trap", [&](int i) {
        const std::string name = "dir/a" + std::to_string(i % 50);
        if (i % 3 == 0) return root.make_directories(name + "/b", 0755).valid();
        return root.make_file(name + "/file", 0644).valid();
    });
    CHECK(tree_of(temp / "outside") == std::vector<std::string>{"secret"});
    CHECK(made.done > 0);
    CHECK(made.done + made.refused == kRounds);

    int secrets = 0;
    race(temp / "inside/dir", temp / "inside/trap", [&](int) {
        if (root.find("dir/secret", O_RDONLY)) ++secrets;
        return true;
    });
    CHECK(secrets == 0);
}

TEST_CASE("a link on the way of .. that is exchanged", "[race]") {
    // "way/../file": with a directory it is the root's file, with the link the file of dir.
    const TempDir temp;
    put_file(temp / "inside/file", "inside");
    put_file(temp / "inside/dir/file", "inside");
    put_file(temp / "file", "secret");
    fs::create_directories(temp / "inside/dir/sub");
    fs::create_directories(temp / "inside/way");
    fs::create_symlink("dir/sub", temp / "inside/other");
    const auto fd = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);
    const RootedDir root(fd.get());
    const auto count = race(temp / "inside/way", temp / "inside/other", [&](int) {
        const auto file = root.open("way/../../../file", O_RDONLY);
        return os::read_all(file.get(), "file") == "inside";
    });
    CHECK(count.done == kRounds);
}

TEST_CASE("a directory that is moved out of the root while .. is looked up", "[race]") {
    // Outside, "dir/../.." would be where the secret is.
    const TempDir temp;
    put_file(temp / "inside/marker", "inside");
    put_file(temp / "outside/marker", "secret");
    fs::create_directories(temp / "inside/a/dir/x");
    fs::create_directories(temp / "outside/deep/dir/x");
    const auto fd = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);
    const RootedDir root(fd.get());
    int secrets = 0;
    const auto count = race(temp / "inside/a/dir", temp / "outside/deep/dir", [&](int) {
        const auto marker = root.find("a/dir/x/../../../marker", O_RDONLY);
        if (!marker) return false;
        const auto text = os::read_all(marker->get(), "marker");
        if (text == "secret") ++secrets;
        return text == "inside";
    });
    CHECK(secrets == 0);
    CHECK(count.done > 0);
}

TEST_CASE("a file that is exchanged with a link while it is made", "[race]") {
    const TempDir temp;
    fs::create_directories(temp / "inside");
    put_file(temp / "outside/secret", "secret");
    const auto fd = os::open_at(AT_FDCWD, temp / "inside", O_PATH | O_DIRECTORY);
    const RootedDir root(fd.get());
    put_file(temp / "inside/target", "inside");
    fs::create_symlink((temp / "outside/secret").string(), temp / "inside/trap");
    const auto count = race(temp / "inside/target", temp / "inside/trap", [&](int) {
        const auto file = root.make_file("target", 0644);
        struct stat status {};
        // The file, or the empty one that is made where the link leads to inside.
        return ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
               (status.st_size == 6 || (status.st_size == 0 && status.st_nlink == 1));
    });
    CHECK(count.done + count.refused == kRounds);
    CHECK(count.done > 0);
    CHECK(tree_of(temp / "outside") == std::vector<std::string>{"secret"});
    CHECK(content_of(temp / "outside/secret") == "secret");
}
