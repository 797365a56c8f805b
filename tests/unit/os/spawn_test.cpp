// os/spawn: what a program gets, and which step is said to have failed.

#include "os/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <utility>

#include "base/strings.h"
#include "child.h"
#include "os/check.h"
#include "os/file.h"
#include "os/file_lock.h"
#include "support/catch.h"
#include "temp_dir.h"
#include "without_call.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using namespace std::chrono_literals;
using os::Command;
using os::SpawnStep;

namespace {

// In a shell, which opens no descriptor for what it does itself.
Command shell(std::string script) {
    Command command;
    command.path = "/bin/sh";
    command.arguments = {"sh", "-c", std::move(script)};
    command.environment = {"PATH=/usr/bin:/bin"};
    return command;
}

std::pair<os::UniqueFd, os::UniqueFd> make_pipe() {
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    return {os::UniqueFd(ends[0]), os::UniqueFd(ends[1])};
}

os::UniqueFd file_with(std::string_view text) {
    return os::make_sealed_memfd("test", text);
}

// What the program writes to its stdout, to its end.
std::string output_of(Command command) {
    auto [ours, theirs] = make_pipe();
    command.descriptors.push_back({theirs.get(), 1});
    auto program = os::spawn(command);
    theirs.reset();
    program.wait_until_executed();
    std::string text = os::read_all(ours.get(), "the output");
    const auto status = program.process().wait();
    if (!status->success()) text += status->describe();
    return text;
}

std::string descriptors_of_the_shell() {
    return "i=0; while [ $i -lt 64 ]; do [ -L /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done; :";
}

// The step, and the message.
std::pair<SpawnStep, std::string> failure_of(const Command& command,
                                             const std::function<int()>& last_step = {}) {
    try {
        os::spawn(command, last_step).wait_until_executed();
    } catch (const os::SpawnError& error) {
        return {error.step(), error.what()};
    }
    throw Error("the program was executed");
}

bool ends_soon(int fd) {
    pollfd end{fd, POLLIN, 0};
    return ::poll(&end, 1, 10000) == 1;
}

}  // namespace

TEST_CASE("spawn: arguments and environment are exactly those of the command", "[native]") {
    Command command = shell("cat /proc/$$/environ /proc/$$/cmdline");
    command.environment = {"PATH=/usr/bin:/bin", "B=2", "A=1", "EMPTY="};
    command.arguments.insert(command.arguments.end(), {"name", "", "two words"});
    const std::string text = output_of(command);
    CHECK(split(text, '\0') == std::vector<std::string>{"PATH=/usr/bin:/bin", "B=2", "A=1",
                                                        "EMPTY=", "sh", "-c",
                                                        "cat /proc/$$/environ /proc/$$/cmdline",
                                                        "name", "", "two words", ""});
}

TEST_CASE("spawn: without an environment there is none", "[native]") {
    Command command = shell("read line < /proc/$$/environ; echo \"<$line>\"");
    command.environment.clear();
    CHECK(output_of(command) == "<>\n");
}

TEST_CASE("spawn: a program behind a descriptor", "[native]") {
    const os::UniqueFd image = os::open_at(AT_FDCWD, "/bin/sh", O_PATH);
    Command command = shell("echo ran");
    command.path = "/none";
    command.image = image.get();
    CHECK(output_of(command) == "ran\n");
    command.image = 99;
    CHECK(failure_of(command) ==
          std::pair{SpawnStep::execute, std::string("execute \"/none\": bad file descriptor")});
}

TEST_CASE("spawn: descriptors whose numbers overlap", "[native]") {
    CHECK(in_child([] {
              // 3 and 4 change places, 5 stays, 6 is there twice; the image is in the way, too.
              ::close(0);
              for (int fd = 3; fd < 64; ++fd) ::close(fd);
              std::vector<os::UniqueFd> files;
              for (const char* text : {"zero", "three", "four", "five"}) {
                  files.push_back(file_with(text));
              }
              const os::UniqueFd image = os::open_at(AT_FDCWD, "/bin/sh", O_PATH);
              std::string numbers;
              for (const auto& file : files) numbers += std::to_string(file.get());
              if (numbers != "0345" || image.get() != 6) return concat("unexpected: ", numbers);
              Command command = shell("for i in 3 4 5 6 7; do cat <&$i; echo; done; " +
                                      descriptors_of_the_shell());
              command.image = image.get();
              command.descriptors = {{4, 3}, {3, 4}, {5, 5}, {0, 6}, {3, 7}};
              return output_of(command);
          }) == "four\nthree\nfive\nzero\n\n1\n2\n3\n4\n5\n6\n7\n");
}

TEST_CASE("spawn: no descriptor but those of the command and ours up to 2", "[native]") {
    CHECK(in_child([] {
              for (int fd = 20; fd < 30; ++fd) ::dup2(2, fd);  // all would be inherited
              return output_of(shell(descriptors_of_the_shell()));
          }) == "0\n1\n2\n");
    CHECK(in_child([] {
              ::close(0);
              ::close(2);
              Command command = shell(descriptors_of_the_shell());
              command.descriptors = {{1, 2}};
              return output_of(command);
          }) == "1\n2\n");
}

TEST_CASE("spawn: our own descriptors stay as they are", "[native]") {
    const auto before = count_descriptors();
    const os::UniqueFd file = file_with("text");
    {
        Command command = shell("exit 0");
        command.descriptors = {{file.get(), 9}, {file.get(), 2}, {file.get(), 200}};
        CHECK(output_of(command).empty());
    }
    CHECK((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(count_descriptors() == before + 1);
}

TEST_CASE("spawn: a descriptor that is not open", "[native]") {
    Command command = shell("exit 0");
    const std::string message = "pass descriptors to \"/bin/sh\": bad file descriptor";
    for (const int from : {-1, 99}) {
        INFO(from);
        command.descriptors = {{2, 5}, {from, 6}};
        CHECK(failure_of(command) == std::pair{SpawnStep::descriptors, message});
        command.descriptors = {{2, 100}, {from, 6}};
        CHECK(failure_of(command) == std::pair{SpawnStep::descriptors, message});
    }
}

TEST_CASE("spawn: a program that cannot be executed", "[native]") {
    const TempDir temp;
    put_file(temp / "no-program", "just text");
    fs::permissions(temp / "no-program", fs::perms::all);
    const auto failure = [](const fs::path& path) {
        Command command;
        command.path = path;
        command.arguments = {"name"};
        const auto [step, message] = failure_of(command);
        CHECK(step == SpawnStep::execute);
        return message;
    };
    const auto named = [](const fs::path& path, const char* reason) {
        return concat("execute \"", path.string(), "\": ", reason);
    };
    CHECK(failure(temp / "none") == named(temp / "none", "no such file or directory"));
    CHECK(failure(temp.path()) == named(temp.path(), "permission denied"));
    CHECK(failure(temp / "no-program") == named(temp / "no-program", "exec format error"));
}

TEST_CASE("spawn: a failure can be asked for when the process has ended", "[native]") {
    Command command;
    command.path = "/none";
    command.arguments = {"none"};
    auto program = os::spawn(command);
    CHECK(program.process().wait()->value() == 127);
    const auto failure = program.find_failure();
    REQUIRE(failure);
    CHECK(failure->step() == SpawnStep::execute);
    CHECK(failure->code() == ENOENT);

    auto other = os::spawn(shell("exit 127"));
    CHECK(other.process().wait()->value() == 127);
    CHECK_FALSE(other.find_failure());
}

TEST_CASE("spawn: the directory where the program starts", "[native]") {
    const TempDir temp;
    Command command = shell("pwd");
    command.directory = temp.path();
    CHECK(output_of(command) == concat(temp.path().string(), "\n"));
    command.directory.clear();
    CHECK(output_of(command) == concat(fs::current_path().string(), "\n"));
    command.directory = temp / "none";
    CHECK(failure_of(command) ==
          std::pair{SpawnStep::directory, concat("enter the directory \"", command.directory,
                                                 "\": no such file or directory")});
}

TEST_CASE("spawn: a session of its own, or ours", "[native]") {
    // "PID (COMM) STATE PPID PGRP SESSION": proc_pid_stat(5).
    Command command = shell(
        "read pid comm state parent group session rest < /proc/$$/stat;"
        " [ $session = $$ ] && echo own || echo $session");
    CHECK(output_of(command) == concat(std::to_string(::getsid(0)), "\n"));
    command.session = os::Session::own;
    CHECK(output_of(command) == "own\n");
}

TEST_CASE("spawn: signals are reset, or those of the caller", "[native]") {
    const auto signals = [](os::Signals which) {
        return in_child([=] {
            ::signal(SIGPIPE, SIG_IGN);
            sigset_t blocked;
            sigemptyset(&blocked);
            sigaddset(&blocked, SIGHUP);
            ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
            Command command = shell("exec grep -E 'SigBlk|SigIgn' /proc/self/status");
            command.signals = which;
            return output_of(command);
        });
    };
    CHECK(signals(os::Signals::reset) == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    CHECK(signals(os::Signals::ours) == "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n");
}

TEST_CASE("spawn: the last step runs in the new process, and its errno comes back", "[native]") {
    Command command = shell("pwd");
    CHECK(failure_of(command, [] { return EXDEV; }) ==
          std::pair{SpawnStep::last_step, concat("prepare \"/bin/sh\": ", errno_text(EXDEV))});
    const fs::path before = fs::current_path();
    auto [ours, theirs] = make_pipe();
    command.descriptors = {{theirs.get(), 1}};
    auto program = os::spawn(command, [] { return ::chdir("/proc") == 0 ? 0 : errno; });
    theirs.reset();
    CHECK(os::read_all(ours.get(), "the output") == "/proc\n");
    CHECK(fs::current_path() == before);
}

TEST_CASE("spawn: the program ends with us, unless it is to go on", "[native]") {
    for (const auto at_our_end : {os::AtOurEnd::killed, os::AtOurEnd::goes_on}) {
        auto [ours, theirs] = make_pipe();
        auto [to_program, keep_open] = make_pipe();
        auto parent = os::fork_child();
        if (!parent) {
            os::reset_signals();
            keep_open.reset();
            // It ends by itself, too, when this test has gone.
            Command command = shell("echo runs; read line; echo goes on");
            command.descriptors = {{to_program.get(), 0}, {theirs.get(), 1}};
            command.at_our_end = at_our_end;
            auto program = os::spawn(command);
            while (true) ::pause();
        }
        theirs.reset();
        to_program.reset();
        std::array<char, 5> runs{};
        REQUIRE(::read(ours.get(), runs.data(), runs.size()) == 5);
        CHECK(parent->kill_and_reap());
        if (at_our_end == os::AtOurEnd::killed) {
            REQUIRE(ends_soon(ours.get()));
            CHECK(os::read_all(ours.get(), "the output").empty());
        } else {
            keep_open.reset();
            CHECK(os::read_all(ours.get(), "the output") == "goes on\n");
        }
    }
}

TEST_CASE("spawn: the program does not get our locks", "[native]") {
    const TempDir temp;
    const os::UniqueFd dir = os::open_at(AT_FDCWD, temp.path(), O_RDONLY | O_DIRECTORY);
    auto [ours, theirs] = make_pipe();
    Command command = shell("read line");
    command.descriptors = {{ours.get(), 0}};
    std::optional<os::Spawned> program;
    {
        const auto lock = os::FileLock::take(dir.get(), os::Clock::now());
        REQUIRE(lock);
        // The last step is before the exec, which would close it.
        auto [in_step, step] = make_pipe();
        auto [wait_here, go_on] = make_pipe();
        program = os::spawn(command, [&, &step = step, &go_on = go_on, &wait_here = wait_here] {
            ::close(go_on.get());
            char byte = 'x';
            (void)!::write(step.get(), &byte, 1);
            (void)!::read(wait_here.get(), &byte, 1);
            return 0;
        });
        char byte = 0;
        REQUIRE(::read(in_step.get(), &byte, 1) == 1);
        CHECK(os::find_lock_holders(dir.get()) == std::vector<pid_t>{::getpid()});
        CHECK(program->process().running());
        go_on.reset();
    }
    program->wait_until_executed();
    CHECK(os::FileLock::take(dir.get(), os::Clock::now()));
}

TEST_CASE("spawn: a cgroup of version 1 is entered before the program is executed", "[native]") {
    // A file takes the place of `tasks`: what is written says that the child itself enters.
    const TempDir temp;
    put_file(temp / "tasks", "");
    const os::UniqueFd tasks = os::open_at(AT_FDCWD, temp / "tasks", O_WRONLY);
    const os::UniqueFd others = os::open_at(AT_FDCWD, temp / "tasks", O_WRONLY | O_APPEND);
    Command command = shell(concat("cat ", (temp / "tasks").string()));
    command.cgroup.tasks = {tasks.get(), others.get()};
    CHECK(output_of(command) == "00");
}

TEST_CASE("spawn: a cgroup that refuses is named", "[native]") {
    const os::UniqueFd full = os::open_at(AT_FDCWD, "/dev/full", O_WRONLY);
    Command command = shell("exit 0");
    command.cgroup.tasks = {full.get()};
    CHECK(failure_of(command) ==
          std::pair{SpawnStep::cgroup,
                    std::string("enter the cgroup for \"/bin/sh\": no space left on device")});
}

TEST_CASE("spawn: a directory that is no cgroup of version 2 is refused at once") {
    const TempDir temp;
    const os::UniqueFd dir = os::open_at(AT_FDCWD, temp.path(), O_PATH | O_DIRECTORY);
    Command command = shell("exit 0");
    command.cgroup.unified = dir.get();
    CHECK_THROWS_AS(os::spawn(command), SystemError);
}

TEST_CASE("spawn: where clone3 does not exist", "[native]") {
    const TempDir temp;
    const os::UniqueFd dir = os::open_at(AT_FDCWD, temp.path(), O_PATH | O_DIRECTORY);
    const auto without_clone3 = [](const std::function<std::string()>& action) {
        return in_child([&] {
            if (!take_away(SYS_clone3)) return std::string("no seccomp");
            return action();
        });
    };
    SECTION("a program is started all the same, and ends with its owner") {
        CHECK(without_clone3([] {
                  std::string text = output_of(shell("echo ran"));
                  pid_t pid = -1;
                  {
                      auto program = os::spawn(shell("while :; do read line; done"));
                      pid = program.process().pid();
                      if (program.process().pidfd() < 0) return std::string("no pidfd");
                  }
                  const bool reaped = ::waitpid(pid, nullptr, WNOHANG) == -1 && errno == ECHILD;
                  return text + (reaped ? "reaped" : "left");
              }) == "ran\nreaped");
    }
    SECTION("the child enters the cgroup of version 2 by itself") {
        put_file(temp / "cgroup.procs", "");
        CHECK(without_clone3([&] {
                  Command command = shell(concat("cat ", (temp / "cgroup.procs").string()));
                  command.cgroup.unified = dir.get();
                  return output_of(command);
              }) == "0");
    }
    SECTION("and what the cgroup says is told at once, as with clone3") {
        fs::create_symlink("/dev/full", temp / "cgroup.procs");
        CHECK(without_clone3([&]() -> std::string {
                  Command command = shell("exit 0");
                  command.cgroup.unified = dir.get();
                  try {
                      auto program = os::spawn(command);
                  } catch (const SystemError& error) {
                      return error.what();
                  }
                  return "started";
              }) == "enter the cgroup for \"/bin/sh\": no space left on device");
    }
}

// The child has our memory and not our signals, locks or directory.
TEST_CASE("spawn: what the child changes for itself is not changed here", "[spawn][native]") {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    struct sigaction old_action {};
    os::check(::sigaction(SIGUSR2, &action, &old_action), "sigaction");
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigset_t old_mask;
    os::check(::sigprocmask(SIG_BLOCK, &blocked, &old_mask), "sigprocmask");
    const pid_t session = ::getsid(0);
    const auto here = fs::current_path();

    Command command = shell("exit 3");
    command.session = os::Session::own;
    command.directory = "/";
    auto program = os::spawn(command);
    const auto status = program.process().wait(os::Clock::now() + 10s);

    sigset_t mask;
    os::check(::sigprocmask(SIG_SETMASK, &old_mask, &mask), "sigprocmask");
    struct sigaction found {};
    os::check(::sigaction(SIGUSR2, &old_action, &found), "sigaction");
    REQUIRE(status);
    CHECK(status->describe() == "exited with status 3");
    CHECK(sigismember(&mask, SIGUSR1) == 1);
    CHECK(sigismember(&mask, SIGTERM) == 0);
    CHECK(found.sa_handler == action.sa_handler);
    CHECK(::getsid(0) == session);
    CHECK(fs::current_path() == here);
}

#if !defined(__SANITIZE_ADDRESS__)  // there the memory is copied
TEST_CASE("spawn: it returns when the program is executed, without the memory being copied",
          "[spawn][native]") {
    // A program that cannot be executed has ended by then.
    Command command;
    command.path = "/nonexistent/program";
    command.arguments = {"program"};
    auto program = os::spawn(command);
    const auto failure = program.find_failure();
    REQUIRE(failure);
    CHECK(failure->step() == SpawnStep::execute);
    CHECK(failure->code() == ENOENT);
}
#endif
