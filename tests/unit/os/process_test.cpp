#include "os/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/error.h"
#include "child.h"
#include "os/file.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::test;
using namespace std::chrono_literals;
using os::ChildProcess;
using os::ExitStatus;
using os::ProcessRef;

namespace {

ChildProcess start(const std::function<void()>& action) {
    auto child = os::fork_child();
    if (!child) {
        os::reset_signals();
        ::alarm(60);
        action();
        ::_exit(0);
    }
    return std::move(*child);
}

ChildProcess start_sleeper() {
    return start([] {
        for (;;) ::pause();
    });
}

// No child of ours has this pid, not even as a zombie.
bool is_reaped(pid_t pid) {
    return ::waitpid(pid, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

os::Deadline in(std::chrono::milliseconds duration) {
    return os::Clock::now() + duration;
}

}  // namespace

TEST_CASE("the milliseconds for poll") {
    CHECK(os::poll_timeout(os::kNoDeadline) == -1);
    CHECK(os::poll_timeout(os::Clock::now()) == 0);
    CHECK(os::poll_timeout(os::Clock::now() - 1h) == 0);
    CHECK(os::poll_timeout(os::kNoDeadline - 1h) == 24 * 3600 * 1000);
    // Rounded up: otherwise a loop would spin through the last millisecond.
    CHECK(os::poll_timeout(os::Clock::now() + 999us) == 1);
    const int minute = os::poll_timeout(os::Clock::now() + 60s);
    CHECK(minute > 59000);
    CHECK(minute <= 60000);
    CHECK(os::poll_timeout(os::Clock::now() + 24h * 1000) == 24 * 3600 * 1000);
}

TEST_CASE("the values of /proc/PID/status") {
    constexpr std::string_view kText = "Name:\tUid:\t7\nUmask:\t0027\nNSpid:\t4711\t12\nGroups:\t";
    CHECK(os::find_status_value(kText, "Name") == "Uid:\t7");
    CHECK(os::find_status_value(kText, "NSpid") == "4711\t12");
    CHECK(os::find_status_value(kText, "Groups") == "");
    CHECK_FALSE(os::find_status_value(kText, "Uid"));
    CHECK_FALSE(os::find_status_value(kText, "NS"));
    CHECK_FALSE(os::find_status_value("", "Name"));
}

TEST_CASE("how a process ended") {
    CHECK(ExitStatus::exited(0).success());
    CHECK_FALSE(ExitStatus::exited(1).success());
    CHECK_FALSE(ExitStatus::signalled(9).success());
    CHECK(ExitStatus::exited(42).to_shell_code() == 42);
    CHECK(ExitStatus::signalled(9).to_shell_code() == 137);
    CHECK_FALSE(ExitStatus::exited(137).is_signal());
    CHECK(ExitStatus::signalled(15).is_signal());
    CHECK(ExitStatus::signalled(15).value() == 15);
    CHECK(ExitStatus::exited(3).describe() == "exited with status 3");
    CHECK(ExitStatus::signalled(9).describe() == "was killed by signal 9 (SIGKILL)");
    CHECK(ExitStatus::signalled(50).describe() == "was killed by signal 50");
}

TEST_CASE("a child's status", "[native]") {
    CHECK(start([] { ::_exit(7); }).wait()->to_shell_code() == 7);
    CHECK(start([] { ::raise(SIGKILL); }).wait()->describe() == "was killed by signal 9 (SIGKILL)");
    // A core dump is a signal like any other.
    CHECK(start([] { ::raise(SIGABRT); }).wait()->to_shell_code() == 128 + SIGABRT);
    CHECK(start([] { ::_exit(255); }).wait()->value() == 255);
}

TEST_CASE("waiting ends with the child or at the deadline", "[native]") {
    auto child = start_sleeper();
    const auto begin = os::Clock::now();
    CHECK_FALSE(child.wait(in(30ms)));
    CHECK(os::Clock::now() - begin >= 30ms);
    CHECK_FALSE(child.wait(os::Clock::now() - 1s));
    CHECK(child.running());
    ::kill(child.pid(), SIGTERM);
    const auto status = child.wait(in(10s));
    REQUIRE(status);
    CHECK(status->describe() == "was killed by signal 15 (SIGTERM)");
    CHECK_FALSE(child.running());
}

TEST_CASE("a child is killed and reaped with its owner", "[native]") {
    pid_t pid = -1;
    {
        const auto child = start([] {
            ::signal(SIGTERM, SIG_IGN);
            for (;;) ::pause();
        });
        pid = child.pid();
        CHECK(::kill(pid, 0) == 0);
    }
    CHECK(is_reaped(pid));
}

TEST_CASE("a stopped child is killed and reaped too", "[native]") {
    auto child = start_sleeper();
    const pid_t pid = child.pid();
    ::kill(pid, SIGSTOP);
    child.kill_and_reap();
    CHECK(is_reaped(pid));
    CHECK_FALSE(child.running());
    child.kill_and_reap();  // once more is nothing
}

TEST_CASE("a child that has ended already is reaped", "[native]") {
    auto child = start([] {});
    const pid_t pid = child.pid();
    pollfd ended{child.pidfd(), POLLIN, 0};
    REQUIRE(::poll(&ended, 1, 10000) == 1);
    child.kill_and_reap();
    CHECK(is_reaped(pid));
}

TEST_CASE("a moved child has one owner", "[native]") {
    auto first = start_sleeper();
    const pid_t pid = first.pid();
    auto second = std::move(first);
    CHECK_FALSE(first.running());  // NOLINT(bugprone-use-after-move)
    CHECK(second.pid() == pid);
    auto third = start_sleeper();
    const pid_t replaced = third.pid();
    third = std::move(second);
    CHECK(is_reaped(replaced));
    CHECK(third.pid() == pid);
    ChildProcess& same = third;
    third = std::move(same);
    CHECK(::kill(pid, 0) == 0);
}

TEST_CASE("a released child goes on", "[native]") {
    pid_t pid = -1;
    {
        auto child = start_sleeper();
        pid = child.pid();
        child.release();
    }
    CHECK(::kill(pid, 0) == 0);
    ::kill(pid, SIGKILL);
    CHECK(os::reap(pid).to_shell_code() == 137);
}

TEST_CASE("a child is killed with all that it has left, other children stay", "[native]") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const os::UniqueFd ours(ends[0]);
    os::UniqueFd theirs(ends[1]);
    auto other = os::fork_child();
    if (!other) {
        theirs.reset();
        while (true) ::pause();
    }
    auto child = os::fork_child();
    if (!child) {
        // A child of its own, with one more, and one whose parent has gone.
        if (::fork() == 0 && ::fork() == 0 && ::fork() == 0) (void)!::write(theirs.get(), "x", 1);
        while (true) ::pause();
    }
    theirs.reset();
    char ready = 0;
    REQUIRE(::read(ours.get(), &ready, 1) == 1);
    os::kill_with_descendants(*child, os::Clock::now() + std::chrono::seconds(10));
    CHECK_FALSE(child->running());
    // No process has the other end any more.
    CHECK(::read(ours.get(), &ready, 1) == 0);
    CHECK_FALSE(other->wait(os::Clock::now()));
}

TEST_CASE("a child that is not executed dies with its parent", "[native]") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const os::UniqueFd ours(ends[0]);
    os::UniqueFd theirs(ends[1]);
    auto parent = start([&] {
        const auto child = start_sleeper();
        (void)!::write(theirs.get(), "x", 1);
        for (;;) ::pause();
    });
    theirs.reset();
    char ready = 0;
    REQUIRE(::read(ours.get(), &ready, 1) == 1);
    parent.kill_and_reap();
    // The child has the other end as long as it lives.
    pollfd closed{ours.get(), POLLIN, 0};
    REQUIRE(::poll(&closed, 1, 10000) == 1);
    CHECK(::read(ours.get(), &ready, 1) == 0);
}

TEST_CASE("a child whose parent has ended before it looked ends, too", "[native]") {
    auto child = start([] {
        os::end_with_parent(::getppid());
        os::end_with_parent(0x7fffffff);
        ::_exit(77);
    });
    CHECK(child.wait()->value() == EXIT_FAILURE);
}

TEST_CASE("a process goes on when its first thread has ended", "[native]") {
    auto child = start([] {
        std::thread other([] {
            for (;;) ::pause();
        });
        ::syscall(SYS_exit, 0);
    });
    std::optional<os::ProcessStat> stat;
    do {
        stat = os::find_process_stat(child.pid());
        REQUIRE(stat);
    } while (stat->state != 'Z');
    CHECK(ProcessRef::find(child.pid(), stat->start_time));
    child.signal(SIGKILL);
    const auto pid = child.pid();
    CHECK(child.wait(in(10s)));
    CHECK_FALSE(ProcessRef::find(pid, stat->start_time));
}

TEST_CASE("whatever the first thread does: is one of them runnable?", "[native]") {
    const bool busy = GENERATE(true, false);
    CAPTURE(busy);
    const auto child = start([busy] {
        std::thread other([busy] {
            for (;;) {
                if (!busy) ::pause();
            }
        });
        ::syscall(SYS_exit, 0);
    });
    std::optional<os::ProcessStat> first;
    do {
        first = os::find_process_stat(child.pid());
        REQUIRE(first);
    } while (first->state != 'Z' || (!busy && os::has_runnable_thread(child.pid())));
    CHECK(os::has_runnable_thread(child.pid()) == busy);
    CHECK(os::thread_ids(child.pid()).size() == 2);
}

TEST_CASE("there is nothing to reap", "[native]") {
    auto child = start([] {});
    const pid_t pid = child.pid();
    CHECK(child.wait());
    CHECK_THROWS_AS(os::reap(pid), SystemError);
}

TEST_CASE("the descriptor of a child closes on exec", "[native]") {
    const auto child = start_sleeper();
    CHECK((::fcntl(child.pidfd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a process is found by pid and start time") {
    const auto self = ProcessRef::open(::getpid());
    CHECK(self.pid() == ::getpid());
    CHECK(ProcessRef::find(self.pid(), self.start_time()));
    CHECK_FALSE(ProcessRef::find(self.pid(), self.start_time() + 1));
    CHECK(os::is_alive(self.pid(), self.start_time()));
    CHECK_FALSE(os::is_alive(self.pid(), self.start_time() + 1));
    CHECK_FALSE(os::is_alive(0, self.start_time()));
    CHECK_FALSE(ProcessRef::find(0, self.start_time()));
    CHECK_FALSE(ProcessRef::find(-1, self.start_time()));
    CHECK_FALSE(ProcessRef::find(0x7fffffff, 1));
    CHECK_THROWS_WITH(ProcessRef::open(0x7fffffff), "pidfd_open \"2147483647\": no such process");
}

TEST_CASE("a zombie is not found, and not signalled after it is reaped", "[native]") {
    auto child = start_sleeper();
    const auto process = ProcessRef::open(child.pid());
    CHECK(process.signal(0));
    CHECK_FALSE(process.wait_exit(in(20ms)));
    CHECK(ProcessRef::find(process.pid(), process.start_time()));
    CHECK(process.signal(SIGKILL));
    CHECK(process.wait_exit(in(10s)));
    CHECK_FALSE(ProcessRef::find(process.pid(), process.start_time()));  // a zombie
    CHECK_FALSE(os::is_alive(process.pid(), process.start_time()));
    CHECK(child.wait());
    CHECK_FALSE(process.signal(SIGKILL));
    CHECK(process.wait_exit(os::kNoDeadline));
    CHECK_FALSE(ProcessRef::find(process.pid(), process.start_time()));
}

TEST_CASE("a signal that does not exist names the process") {
    const auto self = ProcessRef::open(::getpid());
    CHECK_THROWS_WITH(self.signal(1000), "send signal 1000 to process \"" +
                                             std::to_string(::getpid()) + "\": invalid argument");
}
