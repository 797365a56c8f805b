// OCI hooks that do not behave, and callers with odd habits.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/run_hooks.h"
#include "support/catch.h"
#include "unit/os/child.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::test;
using handoff::Hook;

namespace {

Hook shell(std::string script) {
    Hook hook;
    hook.kind = handoff::HookKind::create_container;
    hook.index = 2;
    hook.path = "/bin/sh";
    hook.args = {"sh", "-c", std::move(script)};
    hook.env = {"PATH=/usr/bin:/bin"};
    return hook;
}

// "ran", or the error; in a process of its own.
std::string run_apart(const std::vector<Hook>& hooks, const std::string& state = "{}") {
    return in_child([&] {
        handoff::run_hooks(hooks, state);
        return std::string("ran");
    });
}

}  // namespace

TEST_CASE("a hook need not read its stdin", "[native]") {
    // Far beyond what a pipe could hold, and the default disposition of SIGPIPE.
    const std::string state(4U << 20U, 's');
    CHECK(run_apart({shell("exit 0")}, state) == "ran");
    CHECK(run_apart({shell("exec 0<&-; exit 0")}, state) == "ran");
    CHECK(run_apart({shell("head -c 10 > /dev/null")}, state) == "ran");
}

TEST_CASE("a hook that reads all of a large state", "[native]") {
    const std::string state(1U << 20U, 's');
    CHECK(run_apart({shell("test $(cat | wc -c) -eq 1048576")}, state) == "ran");
}

TEST_CASE("a hook cannot change the state that others get", "[native]") {
    const TempDir temp;
    const auto second = (temp / "second").string();
    CHECK(run_apart({shell("(echo changed 1>&0); (: > /dev/stdin); cat > /dev/null; exit 0"),
                     shell("cat > " + second)},
                    "{\"id\": \"c1\"}") == "ran");
    CHECK(content_of(second) == "{\"id\": \"c1\"}");
}

TEST_CASE("a hook that floods its output does not stop", "[native]") {
    CHECK(run_apart({shell("head -c 30000000 /dev/zero; head -c 1000000 /dev/zero >&2")}) == "ran");
}

TEST_CASE("a process that a hook leaves running does not hold us up", "[native]") {
    const TempDir temp;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(run_apart({shell(concat("sleep 30 & echo $! > ", (temp / "pid").string()))}) == "ran");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(15));
    const auto pid = parse_integer<pid_t>(split(content_of(temp / "pid"), '\n')[0]);
    REQUIRE(pid);
    CHECK(::kill(*pid, SIGKILL) == 0);  // it did go on
}

TEST_CASE("a hook that closes everything is judged by its status", "[native]") {
    CHECK(run_apart({shell("exec 0<&- 1>&- 2>&-; exit 0")}) == "ran");
    CHECK(run_apart({shell("exec 0<&- 1>&- 2>&-; exit 9")}) ==
          "exception: hook /hooks/createContainer/2 \"/bin/sh\" exited with status 9");
}

TEST_CASE("a hook that stops itself is killed at its timeout", "[native]") {
    auto hook = shell("kill -STOP $$");
    hook.timeout = 1;
    CHECK_THAT(run_apart({hook}), Catch::Contains("exceeded its timeout of 1 seconds"));
}

TEST_CASE("hooks run for a caller that ignores SIGCHLD", "[native]") {
    // Then the kernel reaps children by itself, and waiting for them finds none.
    const auto result = in_child([] {
        ::signal(SIGCHLD, SIG_IGN);
        handoff::run_hook(shell("exit 0"), "{}");
        return std::string("ran");
    });
    CHECK(result == "ran");
    const auto failed = in_child([] {
        ::signal(SIGCHLD, SIG_IGN);
        handoff::run_hook(shell("exit 4"), "{}");
        return std::string("ran");
    });
    CHECK_THAT(failed, Catch::EndsWith("exited with status 4"));
}

TEST_CASE("a hook sees us as its parent", "[native]") {
    const TempDir temp;
    const auto pid = in_child([&] {
        handoff::run_hook(shell("echo $PPID > " + (temp / "parent").string()), "{}");
        return std::to_string(::getpid());
    });
    CHECK(content_of(temp / "parent") == pid + "\n");
}
