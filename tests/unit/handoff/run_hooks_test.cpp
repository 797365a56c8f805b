// OCI hooks: what they get, and what is said when they fail.

#include "handoff/run_hooks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "support/catch.h"
#include "unit/os/child.h"
#include "unit/os/temp_dir.h"

namespace fs = std::filesystem;
using namespace lxcri;
using namespace lxcri::test;
using handoff::Hook;
using Strings = std::vector<std::string>;

namespace {

// A hook that runs this in a shell. The shell's own /proc/$$ is what the hook has got.
Hook shell(std::string script) {
    Hook hook;
    hook.path = "/bin/sh";
    hook.args = {"sh", "-c", std::move(script)};
    hook.env = {"PATH=/usr/bin:/bin"};
    return hook;
}

// The numbers of the descriptors that the shell has; it opens none for that.
std::string list_descriptors(const fs::path& to) {
    return concat("exec > ", to.string(),
                  "; i=0; while [ $i -lt 256 ]; do"
                  " [ -L /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done; exit 0");
}

std::string failure_of(const Hook& hook, std::string_view state = "{}") {
    try {
        handoff::run_hook(hook, state);
    } catch (const Error& error) {
        return error.what();
    }
    return "no failure";
}

Strings zero_separated(const std::string& text) {
    auto parts = split(text, '\0');
    if (!parts.empty() && parts.back().empty()) parts.pop_back();
    return parts;
}

}  // namespace

TEST_CASE("the pid is filled into the state") {
    CHECK(handoff::fill_in({"{\"pid\": ", "}"}, 4711) == "{\"pid\": 4711}");
}

TEST_CASE("hooks run in order, each gets the whole state", "[native]") {
    const TempDir temp;
    std::vector<Hook> hooks;
    for (const auto* name : {"one", "two", "three"}) {
        hooks.push_back(shell(concat("cat > ", (temp / name).string(), "; echo ", name, " >> ",
                                     (temp / "order").string())));
    }
    const std::string state = "{\"id\": \"c1\", \"bundle\": \"/b\"}";
    handoff::run_hooks(hooks, state);
    CHECK(content_of(temp / "order") == "one\ntwo\nthree\n");
    for (const auto* name : {"one", "two", "three"}) CHECK(content_of(temp / name) == state);
}

TEST_CASE("the first failure ends the list", "[native]") {
    const TempDir temp;
    const auto note = [&](const char* what) {
        return concat("echo ", what, " >> ", (temp / "order").string());
    };
    const std::vector<Hook> hooks{shell(note("one")), shell(note("two") + "; exit 5"),
                                  shell(note("three"))};
    CHECK_THROWS_AS(handoff::run_hooks(hooks, "{}"), Error);
    CHECK(content_of(temp / "order") == "one\ntwo\n");
    handoff::run_hooks({}, "{}");  // none is no failure
}

TEST_CASE("a hook's arguments and environment are exactly those of the document", "[native]") {
    const TempDir temp;
    auto hook = shell(concat("cat /proc/$$/environ > ", (temp / "env").string(),
                             "; cat /proc/$$/cmdline > ", (temp / "args").string()));
    hook.args.insert(hook.args.end(), {"name", "", "two words"});
    hook.env = {"PATH=/usr/bin:/bin", "B=2", "A=1", "EMPTY=", "B=3"};
    handoff::run_hook(hook, "{}");
    CHECK(zero_separated(content_of(temp / "env")) == hook.env);
    CHECK(zero_separated(content_of(temp / "args")) == hook.args);
}

TEST_CASE("a hook without an environment gets none", "[native]") {
    const TempDir temp;
    auto hook =
        shell(concat("read line < /proc/$$/environ; echo \"<$line>\" > ", (temp / "env").string()));
    hook.env.clear();
    handoff::run_hook(hook, "{}");
    CHECK(content_of(temp / "env") == "<>\n");
}

TEST_CASE("a hook has three descriptors", "[native]") {
    const TempDir temp;
    CHECK(in_child([&] {
              for (int fd = 50; fd < 60; ++fd) ::dup2(2, fd);  // they would all be inherited
              handoff::run_hook(shell(list_descriptors(temp / "fds")), "{}");
              return std::string("ran");
          }) == "ran");
    CHECK(content_of(temp / "fds") == "0\n1\n2\n");
}

TEST_CASE("a hook runs although the standard descriptors are closed here", "[native]") {
    const TempDir temp;
    CHECK(in_child([&] {
              for (int fd = 0; fd < 3; ++fd) ::close(fd);
              handoff::run_hook(shell(concat("cat > ", (temp / "in").string(), "; ",
                                             list_descriptors(temp / "fds"))),
                                "state");
              return failure_of(shell("echo to stdout; echo to stderr >&2; exit 1"));
          }) ==
          "hook /hooks/prestart/0 \"/bin/sh\" exited with status 1, its output ends with "
          "\"to stdout\\x0ato stderr\"");
    CHECK(content_of(temp / "in") == "state");
    CHECK(content_of(temp / "fds") == "0\n1\n2\n");
}

TEST_CASE("a hook has default signal dispositions and an empty mask", "[native]") {
    const TempDir temp;
    CHECK(in_child([&] {
              ::signal(SIGPIPE, SIG_IGN);
              ::signal(SIGHUP, SIG_IGN);
              sigset_t blocked;
              sigfillset(&blocked);
              ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
              handoff::run_hook(shell(concat("exec grep -E 'SigBlk|SigIgn' /proc/self/status > ",
                                             (temp / "signals").string())),
                                "{}");
              return std::string("ran");
          }) == "ran");
    CHECK(content_of(temp / "signals") == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a hook starts in the directory that it is given", "[native]") {
    const TempDir temp;
    fs::create_directories(temp / "dir");
    handoff::run_hook(shell("pwd > where"), "{}", temp / "dir");
    CHECK(content_of(temp / "dir/where") == (temp / "dir").string() + "\n");
    handoff::run_hook(shell("touch file"), "{}", temp / "dir");
    handoff::run_hook(shell(concat("pwd > ", (temp / "here").string())), "{}");
    CHECK(content_of(temp / "here") == fs::current_path().string() + "\n");
    CHECK_THROWS_WITH(handoff::run_hook(shell("exit 0"), "{}", temp / "dir/file"),
                      concat("hook /hooks/prestart/0 \"/bin/sh\": enter the directory \"",
                             (temp / "dir/file").string(), "\": not a directory"));
}

TEST_CASE("a hook starts in the root directory when its own has gone", "[native]") {
    const TempDir temp;
    handoff::run_hook(shell(concat("pwd > ", (temp / "where").string())), "{}", temp / "none");
    CHECK(content_of(temp / "where") == "/\n");
}

TEST_CASE("a hook that fails is named, with its status and its last words", "[native]") {
    CHECK(failure_of(shell("exit 3")) == "hook /hooks/prestart/0 \"/bin/sh\" exited with status 3");
    CHECK(failure_of(shell("echo out; echo no network >&2; exit 1")) ==
          "hook /hooks/prestart/0 \"/bin/sh\" exited with status 1, its output ends with "
          "\"out\\x0ano network\"");
    CHECK(failure_of(shell("kill -TERM $$")) ==
          "hook /hooks/prestart/0 \"/bin/sh\" was killed by signal 15 (SIGTERM)");
    CHECK(failure_of(shell("echo; exit 127")) ==
          "hook /hooks/prestart/0 \"/bin/sh\" exited with status 127");
}

TEST_CASE("the last words are those at the end", "[native]") {
    const auto failure = failure_of(shell(
        "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; echo the reason; exit 1"));
    CHECK_THAT(failure, Catch::EndsWith("the reason\""));
    CHECK(failure.size() < 2000);
}

TEST_CASE("whatever a hook writes, the error is one printable line", "[native]") {
    const auto failure = failure_of(shell("printf 'a\\033[31m\\0\\r\\nb'; exit 1"));
    for (const char c : failure) CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK_THAT(failure, Catch::Contains("ends with") && Catch::Contains("b"));
}

TEST_CASE("a hook that cannot be executed", "[native]") {
    const TempDir temp;
    put_file(temp / "not-executable", "#!/bin/sh\n");
    put_file(temp / "no-program", "just text");
    fs::permissions(temp / "no-program", fs::perms::all);
    const auto failure = [](const fs::path& path) {
        Hook hook;
        hook.kind = handoff::HookKind::poststop;
        hook.index = 1;
        hook.path = path;
        hook.args = {hook.path};
        return failure_of(hook);
    };
    const auto named = [](const fs::path& path, const char* reason) {
        return concat("hook /hooks/poststop/1 \"", path.string(), "\": ", reason);
    };
    CHECK(failure(temp / "none") == named(temp / "none", "no such file or directory"));
    CHECK(failure(temp.path()) == named(temp.path(), "permission denied"));
    CHECK(failure(temp / "not-executable") == named(temp / "not-executable", "permission denied"));
    CHECK(failure(temp / "no-program") == named(temp / "no-program", "exec format error"));
    CHECK(failure("/dev/null/x") == named("/dev/null/x", "not a directory"));
}

TEST_CASE("hooks leave neither descriptors nor children behind", "[native]") {
    const auto before = count_descriptors();
    handoff::run_hook(shell("exit 0"), "{}");
    CHECK(failure_of(shell("exit 1")) != "no failure");
    Hook missing = shell("");
    missing.path = "/none";
    CHECK(failure_of(missing) != "no failure");
    CHECK(count_descriptors() == before);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("a hook that takes too long is killed", "[native]") {
    const TempDir temp;
    auto hook = shell(concat("echo $$ > ", (temp / "pid").string(),
                             "; echo still here; trap '' TERM; while :; do sleep 1; done"));
    hook.timeout = 1;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(failure_of(hook) ==
          "hook /hooks/prestart/0 \"/bin/sh\" exceeded its timeout of 1 "
          "seconds, its output ends with \"still here\"");
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= std::chrono::seconds(1));
    CHECK(took < std::chrono::seconds(10));
    const auto pid = parse_integer<pid_t>(split(content_of(temp / "pid"), '\n')[0]);
    REQUIRE(pid);
    CHECK(::kill(*pid, 0) == -1);
    CHECK(errno == ESRCH);
}

TEST_CASE("a hook that is quicker than its timeout is no failure", "[native]") {
    auto hook = shell("exit 0");
    hook.timeout = 60;
    CHECK(failure_of(hook) == "no failure");
}
