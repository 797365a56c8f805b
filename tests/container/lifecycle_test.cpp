// The order of operations: start, state, kill, delete on containers in every status.
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Container running(Box& box) {
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

Container stopped(Box& box) {
    box.bundle.args({"true"});
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    return container;
}

void check_unharmed(Container& container) {
    CHECK(container.status() == "running");
    CHECK(is_alive(container.pid()));
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
}

}  // namespace

TEST_CASE("lifecycle: output and exit status of a program arrive", "[lifecycle]") {
    NEEDS(need_runtime());
    Box box;
    const int code = GENERATE(0, 1, 42, 137, 255);
    const Outcome outcome = box.life(
        {"echo", "to stdout", "--", "error", "to stderr", "--", "exit", std::to_string(code)});
    CHECK(outcome.code == code);
    CHECK(outcome.out == "to stdout\n");
    CHECK(outcome.err == "to stderr\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("lifecycle: stdin reaches the program", "[lifecycle]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.command.input = "one\ntwo\n";
    CHECK(box.life({"stdin"}, options).out == "one\ntwo\n");
}

TEST_CASE("lifecycle: created, running, stopped", "[lifecycle][state]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    CHECK(container.status() == "created");
    container.start();
    container.out().wait_for("ready");
    CHECK(container.status() == "running");
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.call({"state", container.id()}).code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("lifecycle: a program that is not reaped yet is stopped", "[lifecycle][state]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.start();
    wait_until_dead(container.pid());  // a zombie: conmon may be slow
    CHECK(container.status() == "stopped");
    CHECK(container.wait_code() == 0);
}

TEST_CASE("start: twice is an error and the container is unharmed", "[start]") {
    NEEDS(need_runtime());
    Box box;
    Container container = running(box);
    const Finished again = box.call({"start", container.id()});
    CHECK(again.code() != 0);
    CHECK(again.err != "");
    check_unharmed(container);
}

TEST_CASE("start: of a stopped or an unknown container is an error", "[start]") {
    NEEDS(need_runtime());
    Box box;
    Container container = stopped(box);
    CHECK(box.call({"start", container.id()}).code() != 0);
    CHECK(container.status() == "stopped");
    CHECK(box.call({"start", "unknown"}).code() != 0);
    CHECK(box.call({"start"}).code() != 0);
}

TEST_CASE("start: two at the same moment, one wins", "[start]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    Process one(box.command_line({"start", container.id()}));
    Process two(box.command_line({"start", container.id()}));
    const int first = one.wait().code();
    const int second = two.wait().code();
    CHECK((first == 0) != (second == 0));
    container.out().wait_for("ready");
    check_unharmed(container);
}

TEST_CASE("start: of a container whose init was killed fails, and does not hang", "[start]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    REQUIRE(kill(container.pid(), SIGKILL) == 0);
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(container.status() == "stopped");
    const Finished started = box.call({"start", container.id()});
    CHECK(started.code() != 0);
    CHECK(started.duration < std::chrono::seconds(5));
    container.remove();
}

TEST_CASE("delete: of a running container is an error and the container is unharmed", "[delete]") {
    NEEDS(need_runtime());
    Box box;
    Container container = running(box);
    const Finished removed = box.call({"delete", container.id()});
    CHECK(removed.code() != 0);
    CHECK(removed.err != "");
    check_unharmed(container);
}

TEST_CASE("delete: of a container that was never started kills and removes it", "[delete]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"exit", "3"});
    Container container = box.create();
    const Finished finished = box.call({"delete", container.id()});
    CHECK(finished.code() == 0);
    CHECK(finished.out == "");
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(box.call({"state", container.id()}).code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("delete: of a paused container is an error, also before its start",
          "[delete][pause][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"exit", "3"});
    Container container = box.create();
    CHECK(box.call({"pause", container.id()}).code() == 0);
    const Finished finished = box.call({"delete", container.id()});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "it is paused"));
    CHECK(contains(finished.err, "--force"));
    CHECK(box.call({"resume", container.id()}).code() == 0);
    CHECK(container.status() == "created");
    container.start();
    CHECK(container.wait_code() == 3);
}

TEST_CASE("delete --force: removes a container in any status", "[delete]") {
    NEEDS(need_runtime());
    Box box;
    const std::string flag = GENERATE(as<std::string>(), "--force", "-f");
    std::string id;
    SECTION("created") {
        id = box.create().id();
    }
    SECTION("running") {
        id = running(box).id();
    }
    SECTION("stopped") {
        id = stopped(box).id();
    }
    const Finished removed = box.call({"delete", flag, id});
    CHECK(removed.code() == 0);
    CHECK(removed.out == "");
    CHECK(box.leftovers() == Strings{});
    CHECK(box.call({"state", id}).code() != 0);
}

TEST_CASE("delete: of an unknown container fails, with --force it does not", "[delete]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(box.call({"delete", "unknown"}).code() != 0);
    CHECK(box.call({"delete", "--force", "unknown"}).code() == 0);
    CHECK(box.call({"delete"}).code() != 0);
}

TEST_CASE("delete: bad IDs never reach the file system", "[delete][ids][not-crun][not-runc]") {
    NEEDS(need_runtime());
    // Only names of our own directories: some runtimes really remove what they are told to.
    Box box;
    Container container = box.create();
    fs::create_directories(box / "precious");
    write_file(box / "precious/file", "kept");
    const std::string absolute = box / "precious";
    const std::string id = GENERATE_COPY(as<std::string>(), "", ".", "..", "../precious",
                                         "x/../../precious", "../bundle", absolute);
    CAPTURE(id);
    CHECK(box.call({"delete", id}).code() != 0);
    (void)box.call({"delete", "--force", id});
    CHECK(read_file(box / "precious/file") == "kept");
    CHECK(fs::exists(box.bundle.in_rootfs("probe")));
    CHECK(container.status() == "created");
}

TEST_CASE("delete: leaves the bundle and the root filesystem alone", "[delete]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"write", "/tmp/file", "kept"});
    CHECK(box.life().code == 0);
    CHECK(read_file(box.bundle.in_rootfs("tmp/file")) == "kept");
    CHECK(fs::exists(box.bundle.path() / "config.json"));
}

TEST_CASE("delete: afterwards the ID is free", "[delete]") {
    NEEDS(need_runtime());
    Box box;
    for (int i = 0; i < 3; ++i) {
        Container container = box.create({}, box.name() + "-again");
        container.start();
        CHECK(container.wait_code() == 0);
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("every command on one container refuses a missing or unknown ID", "[ids]") {
    NEEDS(need_runtime());
    Box box;
    const std::string command = GENERATE(as<std::string>(), "state", "start", "kill", "delete");
    const Strings id = GENERATE(Strings{}, Strings{"unknown"});
    Strings arguments = {command};
    arguments.insert(arguments.end(), id.begin(), id.end());
    const Finished finished = box.call(arguments);
    CHECK(finished.code() != 0);
    CHECK(finished.err != "");
}

TEST_CASE("an unknown command or flag is refused, and stdout stays empty", "[cli]") {
    NEEDS(need_runtime());
    Box box;
    const Strings arguments = GENERATE(Strings{"frobnicate"}, Strings{"state", "--frobnicate", "x"},
                                       Strings{"create", "--frobnicate", "x"});
    const Finished finished = box.call(arguments);
    CHECK(finished.code() != 0);
    CHECK(finished.err != "");
}

TEST_CASE("--version: the name and the version on the first line, then the spec", "[cli]") {
    NEEDS(need_runtime());
    const Finished finished = run_command({environment().runtime, "--version"});
    CHECK(finished.code() == 0);
    CHECK(finished.out.starts_with(environment().runtime_name + " version "));
    CHECK(line_after(finished.out, "spec:") != "");
    CHECK(line_after(finished.out, "commit:") != "");
}

TEST_CASE("--version: the liblxc that is found now, and why where none is", "[cli][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const auto said = [&](const Strings& arguments) {
        const Finished finished = box.call(arguments);
        CHECK(finished.code() == 0);
        CHECK(finished.err == "");
        return line_after(finished.out, "liblxc:");
    };
    const Json findings = Json::parse(box.call({"check", "--format", "json"}).out).at("findings");
    const auto liblxc = std::find_if(findings.begin(), findings.end(),
                                     [](const Json& row) { return row.at("name") == "liblxc"; });
    REQUIRE(liblxc != findings.end());
    const std::string version = liblxc->at("text");
    CHECK(said({"--version"}) == version);
    const Json features = Json::parse(box.call({"features"}).out);
    CHECK(features.at("annotations").at("org.linuxcontainers.lxcri.liblxc.version") == version);

    // Another liblxc: the answer comes from the program that would use it.
    const fs::path other = box / "libexec";
    fs::create_directories(other);
    write_file(other / "lxcri-start", "#!/bin/sh\necho 7.7.7\n", 0755);
    CHECK(said({"--libexec", other, "--version"}) == "7.7.7");
    CHECK(said({"--libexec", box / "none", "--version"}).starts_with("unknown: "));
}

TEST_CASE("--help: usage on stdout, exit status 0", "[cli]") {
    NEEDS(need_runtime());
    const Finished finished = run_command({environment().runtime, "--help"});
    CHECK(finished.code() == 0);
    for (const char* word : {"create", "start", "state", "kill", "delete"}) {
        CHECK(contains(finished.out, word));
    }
}
