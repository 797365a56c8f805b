// ps: the processes of a container, as the host sees them.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr int kChildren = 3;

Container family(Box& box) {
    box.bundle.args({"spawn", std::to_string(kChildren), "--", "trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

std::vector<pid_t> pids(Box& box, const Container& container) {
    const Finished finished = box.call({"ps", "--format", "json", container.id()});
    INFO(finished.err);
    REQUIRE(finished.code() == 0);
    return Json::parse(finished.out).get<std::vector<pid_t>>();
}

}  // namespace

TEST_CASE("ps: json is an array of the host's pids", "[ps]") {
    NEEDS(need_runtime());
    Box box;
    Container container = family(box);
    const auto found = pids(box, container);
    REQUIRE(found.size() == 1 + kChildren);
    CHECK(std::count(found.begin(), found.end(), container.pid()) == 1);
    for (const pid_t pid : found) {
        CHECK((pid == container.pid() || parent_of(pid) == container.pid()));
    }
}

TEST_CASE("ps: those in cgroups below are there too", "[ps][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = family(box);
    const auto all = pids(box, container);
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        const fs::path below = hierarchy.mount_point / container.id() / "inner" / "most";
        REQUIRE(mkdir(below.parent_path().c_str(), 0755) == 0);
        REQUIRE(mkdir(below.c_str(), 0755) == 0);
        // A new cpuset takes no process.
        const auto& controllers = hierarchy.controllers;
        if (std::count(controllers.begin(), controllers.end(), "cpuset") != 0) continue;
        write_file(below / "cgroup.procs", std::to_string(all.back()));
    }
    CHECK(pids(box, container) == all);
}

TEST_CASE("ps: a table with ps's own columns", "[ps][not-crun]") {
    NEEDS(need_runtime());
    NEEDS(need_program("ps"));
    Box box;
    Container container = family(box);
    SECTION("as ps -ef") {
        const Finished finished = box.call({"ps", container.id()});
        REQUIRE(finished.code() == 0);
        const Strings lines = lines_of(finished.out);
        REQUIRE(lines.size() == 2 + kChildren);
        for (const char* word : {"UID", "PID", "PPID", "CMD"}) CHECK(contains(lines[0], word));
        CHECK(contains(lines[1], std::to_string(container.pid())));
        for (std::size_t i = 1; i < lines.size(); ++i) CHECK(contains(lines[i], "/probe"));
    }
    SECTION("as asked for") {
        const Finished finished = box.call({"ps", container.id(), "-e", "-o", "pid,ppid,comm"});
        REQUIRE(finished.code() == 0);
        const Strings lines = lines_of(finished.out);
        REQUIRE(lines.size() == 2 + kChildren);
        CHECK(contains(lines[0], "COMMAND"));
        CHECK(contains(lines[1], "probe"));
    }
}

TEST_CASE("ps: the table needs no PATH, callers run us without one", "[ps][not-crun][not-runc]") {
    NEEDS(need_runtime());
    NEEDS(need_program("ps"));
    Box box;
    Container container = family(box);
    const Finished finished = box.call({"ps", container.id(), "aux"}, {.environment = Strings{}});
    CHECK(finished.code() == 0);
    CHECK(lines_of(finished.out).size() == 2 + kChildren);
}

TEST_CASE("ps: where ps(1) is not installed an error says what to do", "[ps][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("ps"));
    Box box;
    Container container = box.sleeper();
    Strings line = {"/usr/bin/unshare",
                    "--mount",
                    "/bin/sh",
                    "-c",
                    "mount --bind /dev/null /usr/bin/ps && exec \"$@\"",
                    "sh"};
    const Strings command = box.command_line({"ps", container.id()});
    line.insert(line.end(), command.begin(), command.end());
    const Finished finished = run_command(line);
    CHECK(finished.code() == 1);
    CHECK(finished.out == "");
    CHECK(lines_of(finished.err).size() == 1);
    CHECK(contains(finished.err, "procps"));
    container.kill();
}

TEST_CASE("ps: what it cannot do", "[ps][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = family(box);
    SECTION("no column with pids") {
        CHECK(box.call({"ps", container.id(), "-e", "-o", "comm"}).code() == 1);
    }
    SECTION("an unknown format") {
        CHECK(box.call({"ps", "--format", "xml", container.id()}).code() == 1);
    }
    SECTION("an option that ps does not know") {
        CHECK(box.call({"ps", container.id(), "--nosuch"}).code() == 1);
    }
    SECTION("an unknown container") {
        CHECK(box.call({"ps", "unknown"}).code() == 1);
    }
}

TEST_CASE("ps: of a created, a paused and a stopped container", "[ps][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CHECK(pids(box, container) == std::vector<pid_t>{container.pid()});
    REQUIRE(box.call({"pause", container.id()}).code() == 0);
    CHECK(pids(box, container) == std::vector<pid_t>{container.pid()});
    REQUIRE(box.call({"resume", container.id()}).code() == 0);
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(box.call({"ps", "--format", "json", container.id()}).out == "[]\n");
}
