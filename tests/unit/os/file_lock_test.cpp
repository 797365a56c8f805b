#include "os/file_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "os/file.h"
#include "support/catch.h"
#include "unit/os/child.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
using namespace std::chrono_literals;
using os::FileLock;

namespace {

os::UniqueFd open_dir(const TempDir& temp) {
    return os::open_at(AT_FDCWD, temp.path(), O_RDONLY | O_DIRECTORY);
}

std::optional<FileLock> take(int dir_fd, std::chrono::milliseconds patience = 0ms) {
    return FileLock::take(dir_fd, os::Clock::now() + patience);
}

}  // namespace

TEST_CASE("a lock ends with its owner, and is given to one at a time") {
    const TempDir temp;
    const auto dir = open_dir(temp);
    auto first = take(dir.get());
    REQUIRE(first);
    CHECK_FALSE(take(dir.get(), 20ms));
    const FileLock moved = std::move(*first);
    first.reset();
    CHECK_FALSE(take(dir.get(), 20ms));
    CHECK(os::find_lock_holders(dir.get()) == std::vector<pid_t>{::getpid()});
}

TEST_CASE("no child has the lock of its parent", "[native]") {
    const TempDir temp;
    const auto dir = open_dir(temp);
    auto lock = take(dir.get());
    REQUIRE(lock);
    auto child = os::fork_child();
    if (!child) {
        while (true) ::pause();
    }
    lock.reset();
    CHECK(take(dir.get(), 5s));
    CHECK(child->running());
    CHECK(os::find_lock_holders(dir.get()).empty());
}

TEST_CASE("the deadline of a lock comes whatever our caller does with SIGALRM") {
    const TempDir temp;
    const auto dir = open_dir(temp);
    const auto lock = take(dir.get());
    REQUIRE(lock);
    const bool is_ignored = GENERATE(false, true);
    CHECK(in_child([&] {
              sigset_t alarm;
              sigemptyset(&alarm);
              sigaddset(&alarm, SIGALRM);
              ::alarm(0);
              if (is_ignored) ::signal(SIGALRM, SIG_IGN);
              ::sigprocmask(SIG_BLOCK, &alarm, nullptr);
              std::thread watch([] {
                  std::this_thread::sleep_for(10s);
                  ::_exit(1);
              });
              watch.detach();
              const auto own = os::open_at(AT_FDCWD, temp.path(), O_RDONLY | O_DIRECTORY);
              const bool taken = take(own.get(), 50ms).has_value();
              sigset_t now;
              ::sigprocmask(SIG_SETMASK, nullptr, &now);
              const bool is_blocked = sigismember(&now, SIGALRM) == 1;
              return std::string(taken ? "taken" : "too late") +
                     (is_blocked ? ", blocked as before" : "");
          }) == "too late, blocked as before");
}
