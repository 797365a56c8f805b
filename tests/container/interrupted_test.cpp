// A runtime that dies at some moment, or while hooks run: `delete --force` removes all of it. Each
// single system call is in sweep_test.cpp.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

struct Prepared {
    Strings line;
    UniqueFd null{open("/dev/null", O_RDWR | O_CLOEXEC)};
    CommandOptions options;
    std::string id;
};

// A create command whose output does not keep pipes open.
Prepared prepare(Box& box) {
    Prepared prepared;
    box.bundle.write();
    prepared.id = box.new_id();
    prepared.line = box.command_line(
        {"create", "--bundle", box.bundle.path(), "--pid-file", box / "pid", prepared.id});
    prepared.options.fds = {{prepared.null.get(), 1}};
    return prepared;
}

void check_force_removes(Box& box, const std::string& id) {
    const Finished removed = box.call({"delete", "--force", id});
    INFO("delete said: " << removed.err);
    CHECK(removed.code() == 0);
    CHECK(box.leftovers() == Strings{});
}

}  // namespace

TEST_CASE("interrupted: create is killed after some time, delete --force removes everything",
          "[interrupted][lxcri]") {
    NEEDS(need_runtime());
    for (int step = 0; step < 60; ++step) {
        Box box;
        const Prepared prepared = prepare(box);
        CAPTURE(step);
        Process create(prepared.line, prepared.options);
        let_time_pass(std::chrono::microseconds(step * 250));
        create.signal(SIGKILL);
        (void)create.wait_exit_only();
        check_force_removes(box, prepared.id);
    }
}

TEST_CASE("interrupted: create is killed while a hook runs", "[interrupted][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    CAPTURE(kind);
    // The hook says through a FIFO that it runs, then it sleeps.
    const fs::path fifo = box / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    box.bundle.config["hooks"][kind] = {
        {{"path", environment().probe},
         {"args", {"hook", "write", fifo.string(), "x", "--", "sleep"}}}};
    const Prepared prepared = prepare(box);
    Process create(prepared.line, prepared.options);
    CHECK(read_file(fifo) == "x");
    create.signal(SIGKILL);
    (void)create.wait_exit_only();
    check_force_removes(box, prepared.id);
}

TEST_CASE("interrupted: init is killed while a hook runs: create fails and leaves nothing",
          "[interrupted][hooks]") {
    NEEDS(need_runtime());
    Box box;
    // The hook kills init: it knows the pid from the state.
    write_file(box / "script",
               "#!/bin/sh\n"
               "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
               "kill -KILL $pid\n",
               0755);
    box.bundle.config["hooks"][GENERATE(as<std::string>(), "prestart", "createRuntime")] = {
        {{"path", box / "script"}, {"env", {"PATH=/usr/bin:/bin"}}}};
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("interrupted: SIGTERM and SIGINT end create, and nothing stays",
          "[interrupted][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path fifo = box / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    box.bundle.config["hooks"]["createRuntime"] = {
        {{"path", environment().probe},
         {"args", {"hook", "write", fifo.string(), "x", "--", "sleep"}}}};
    const Prepared prepared = prepare(box);
    Process create(prepared.line, prepared.options);
    CHECK(read_file(fifo) == "x");
    create.signal(GENERATE(SIGTERM, SIGINT));
    (void)create.wait_exit_only();
    check_force_removes(box, prepared.id);
}
