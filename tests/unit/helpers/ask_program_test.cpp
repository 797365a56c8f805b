// lib/helpers/ask_program: programs that say something in one line.

#include "helpers/ask_program.h"

#include <signal.h>

#include "base/strings.h"
#include "support/catch.h"

using namespace lxcri;
using helpers::ask_program;

namespace {

helpers::ProgramAnswer ask_shell(const std::string& script) {
    return ask_program("/bin/sh", {"-c", script});
}

}  // namespace

TEST_CASE("ask_program: the first line of what a program prints") {
    const auto both = ask_shell("echo one; echo two >&2");
    CHECK(both.success);
    CHECK(both.text == "one");
    const auto error = ask_shell("echo no >&2; exit 3");
    CHECK(!error.success);
    CHECK(error.text == "no");
    CHECK(ask_shell("cat").text.empty());
}

TEST_CASE("ask_program: why a program prints nothing") {
    const auto status = ask_shell("exit 3");
    CHECK(!status.success);
    CHECK(status.text == R"("/bin/sh" exited with status 3)");
    const auto absent = ask_program("/nowhere", {});
    CHECK(!absent.success);
    CHECK(absent.text == R"(execute "/nowhere": no such file or directory)");
}

TEST_CASE("ask_program: what a program has started is not waited for") {
    const auto answer = ask_shell("sleep 1000 & echo $!");
    CHECK(answer.success);
    const auto sleeper = parse_integer<pid_t>(answer.text);
    REQUIRE(sleeper);
    CHECK(kill(*sleeper, SIGKILL) == 0);
}
