// The process whose pid callers get: they wait for it, join its namespaces, read its /proc.
#include <signal.h>
#include <unistd.h>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::string namespace_of(pid_t pid, const std::string& kind) {
    std::error_code error;
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + kind, error);
}

}  // namespace

TEST_CASE("init: the pid-file has its pid, without a newline, and so has state", "[init]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    const std::string text = read_file(box / ("pid." + container.id()));
    CHECK(text == std::to_string(container.pid()));
    CHECK(container.state().at("pid") == container.pid());
}

TEST_CASE("init: is the child of the caller's subreaper after create", "[init]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CHECK(parent_of(container.pid()) == getpid());
    container.start();
    CHECK(container.wait_code() == 0);
}

TEST_CASE("init: the subreaper sees its true status", "[init]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("exit 42") {
        box.bundle.args({"exit", "42"});
        Container container = box.create();
        container.start();
        CHECK(describe_status(container.wait()) == "exit 42");
    }
    SECTION("killed by SIGKILL") {
        box.bundle.args({"sleep"});
        Container container = box.create();
        container.start();
        container.kill("KILL");
        CHECK(describe_status(container.wait()) == "signal 9");
    }
    SECTION("killed in created") {
        Container container = box.create();
        container.kill("KILL");
        CHECK(describe_status(container.wait()) == "signal 9");
    }
}

TEST_CASE("init: lives in its own namespaces, the others are the caller's", "[init]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("ipc").remove_namespace("network").args({"sleep"});
    Container container = box.create();
    for (const int round : {1, 2}) {
        CAPTURE(round);
        for (const char* kind : {"pid", "mnt", "uts", "cgroup"}) {
            CAPTURE(kind);
            CHECK(namespace_of(container.pid(), kind) != "");
            CHECK(namespace_of(container.pid(), kind) != namespace_of(getpid(), kind));
        }
        for (const char* kind : {"ipc", "net", "user"}) {
            CAPTURE(kind);
            CHECK(namespace_of(container.pid(), kind) == namespace_of(getpid(), kind));
        }
        if (round == 1) container.start();
    }
}

TEST_CASE("init: is pid 1 inside, alone, without a parent", "[init]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"pid", "--", "processes"});
    CHECK(contains(outcome.out, "pid=1 ppid=0 "));
    CHECK(contains(outcome.out, "sid=1\n"));
    CHECK(lines_of(outcome.out).size() == 2);
    CHECK(has_line(outcome.out, "1 probe"));
}

TEST_CASE("init: becomes the program: same pid, other executable", "[init]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CHECK(command_line_of(container.pid()) == "/probe trap TERM 0 ");
    CHECK(fs::exists("/proc/" + std::to_string(container.pid()) + "/root/probe"));
}

TEST_CASE("init: is all that stays of a created or running container", "[init]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    CHECK(wait_for_children(milliseconds{200}) == std::vector<pid_t>{container.pid()});
    container.start();
    container.out().wait_for("ready");
    CHECK(wait_for_children(milliseconds{200}) == std::vector<pid_t>{container.pid()});
}

TEST_CASE("init: without a pid namespace it is an ordinary process", "[init]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("pid").args({"trap", "TERM", "7"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CHECK(container.state().at("pid") == container.pid());
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("init: asks for no signal when a parent dies, and is no subreaper", "[init]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"pdeathsig"});
    CHECK(outcome.out == "pdeathsig=0 dumpable=1 subreaper=0\n");
}

TEST_CASE("init: survives the death of the process group that called create", "[init]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CHECK(getpgid(container.pid()) != getpgrp());
    CHECK(getsid(container.pid()) != getsid(0));
}
