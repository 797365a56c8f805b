// run: create and start in one, in the foreground or detached.
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Strings run_line(Box& box, const Strings& probe_arguments, const Strings& flags = {}) {
    box.bundle.args(probe_arguments).write();
    Strings line = {"run", "--bundle", box.bundle.path()};
    line.insert(line.end(), flags.begin(), flags.end());
    line.push_back(box.new_id());
    return line;
}

}  // namespace

TEST_CASE("run: output, input and exit status", "[run]") {
    NEEDS(need_runtime());
    Box box;
    CommandOptions options;
    options.input = "some input\n";
    const int code = GENERATE(0, 1, 42, 255);
    const Finished finished = box.call(
        run_line(box, {"stdin", "--", "error", "problem", "--", "exit", std::to_string(code)}),
        options);
    CHECK(finished.code() == code);
    CHECK(finished.out == "some input\n");
    CHECK(finished.err == "problem\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: a signal's death is 128 and its number", "[run]") {
    NEEDS(need_runtime());
    Box box;
    Process process(box.command_line(run_line(box, {"echo", "ready", "--", "sleep"})));
    process.out().wait_for("ready");
    CHECK(box.call({"kill", box.name(), "KILL"}).code() == 0);
    CHECK(process.wait().code() == 137);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: signals are forwarded", "[run]") {
    NEEDS(need_runtime());
    Box box;
    Process process(box.command_line(run_line(box, {"report"})));
    process.out().wait_for("ready");
    for (const int number : {SIGUSR1, SIGHUP, SIGINT, SIGUSR2}) {
        CAPTURE(number);
        process.signal(number);
        process.out().wait_for("signal " + std::to_string(number) + " ");
    }
    process.signal(SIGTERM);
    CHECK(process.wait().code() == 128 + SIGTERM);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: the program runs while state says running, then nothing is left", "[run]") {
    NEEDS(need_runtime());
    Box box;
    Process process(box.command_line(run_line(box, {"trap", "TERM", "3"})));
    process.out().wait_for("ready");
    CHECK(Json::parse(box.call({"state", box.name()}).out).at("status") == "running");
    process.signal(SIGTERM);
    CHECK(process.wait().code() == 3);
    CHECK(box.call({"state", box.name()}).code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run --detach: returns at once, the container lives on", "[run]") {
    NEEDS(need_runtime());
    Box box;
    const std::string flag = GENERATE(as<std::string>(), "--detach", "-d");
    Stream out;
    CommandOptions options;
    Stream err;
    options.fds = {{out.write_end(), 1}, {err.write_end(), 2}};
    const Finished finished =
        box.call(run_line(box, {"trap", "TERM", "3"}, {flag, "--pid-file", box / "pid"}), options);
    CHECK(finished.code() == 0);
    out.wait_for("ready");
    const pid_t pid = std::stoi(read_file(box / "pid"));
    CHECK(parent_of(pid) == getpid());
    CHECK(Json::parse(box.call({"state", box.name()}).out).at("pid") == pid);
    CHECK(box.call({"kill", box.name(), "TERM"}).code() == 0);
    CHECK(describe_status(wait_for_child(pid)) == "exit 3");
    CHECK(box.call({"delete", box.name()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: a program that is not there fails, and nothing is left", "[run]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["args"] = {"not-there"};
    box.bundle.write();
    const Finished finished = box.call({"run", "--bundle", box.bundle.path(), box.new_id()});
    CHECK(finished.code() != 0);
    CHECK(finished.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: without a process there is nothing to start", "[run][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const Strings flags = GENERATE(Strings{}, Strings{"--detach"});
    Strings line = run_line(box, {"true"}, flags);
    box.bundle.config.erase("process");
    box.bundle.write();
    const Finished finished = box.call(line);
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "process"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: a used ID is refused and the first container is unharmed", "[run]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    Container first = box.create();
    const Finished second = box.call({"run", "--bundle", box.bundle.path(), first.id()});
    CHECK(second.code() != 0);
    CHECK(first.status() == "created");
    first.start();
    first.out().wait_for("ready");
    first.kill("TERM");
    CHECK(first.wait_code() == 7);
}

TEST_CASE("run: the caller's death signal: SIGKILL of run leaves what delete --force removes",
          "[run]") {
    NEEDS(need_runtime());
    Box box;
    Process process(box.command_line(run_line(box, {"echo", "ready", "--", "sleep"})));
    process.out().wait_for("ready");
    process.signal(SIGKILL);
    (void)process.wait_exit_only();
    CHECK(box.call({"delete", "--force", box.name()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("run: a large output arrives completely", "[run]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/large"), std::string(3 << 20, 'x'));
    const Finished finished = box.call(run_line(box, {"cat", "/etc/large"}));
    CHECK(finished.code() == 0);
    CHECK(finished.out.size() == 3 << 20);
}

TEST_CASE("run --keep: the container stays until delete", "[run][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(box.call(run_line(box, {"exit", "5"}, {"--keep"})).code() == 5);
    CHECK(Json::parse(box.call({"state", box.name()}).out).at("status") == "stopped");
    CHECK(box.call({"delete", box.name()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}
