// kill: which signal reaches whom.
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Container reporting(Box& box) {
    box.bundle.args({"report"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

}  // namespace

TEST_CASE("kill: names with and without SIG, and numbers", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    Container container = reporting(box);
    const std::pair<const char*, int> signals[] = {{"USR1", SIGUSR1}, {"SIGUSR2", SIGUSR2},
                                                   {"1", SIGHUP},     {"28", SIGWINCH},
                                                   {"INT", SIGINT},   {"SIGCONT", SIGCONT}};
    for (const auto& [name, number] : signals) {
        CAPTURE(name);
        container.kill(name);
        container.out().wait_for("signal " + std::to_string(number) + " ");
    }
    CHECK(container.status() == "running");
}

TEST_CASE("kill: lower case names and real-time signals", "[kill][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = reporting(box);
    SECTION("lower case") {
        container.kill("usr1");
        container.out().wait_for("signal 10 ");
    }
    SECTION("second names") {
        container.kill("SIGCLD");
        container.out().wait_for("signal 17 ");
        container.kill("io");
        container.out().wait_for("signal 29 ");
    }
    SECTION("real time") {
        container.kill("RTMIN+3");
        container.out().wait_for("signal 37 ");
    }
}

TEST_CASE("kill: without a signal it is TERM", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    Container container = reporting(box);
    CHECK(box.call({"kill", container.id()}).code() == 0);
    container.out().wait_for("signal 15 ");
    CHECK(container.wait_code() == 128 + SIGTERM);
}

TEST_CASE("kill: 0 asks whether there is a process, and has no effect", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    Container container = reporting(box);
    CHECK(box.call({"kill", container.id(), "0"}).code() == 0);
    CHECK(box.call({"kill", "--all", container.id(), "0"}).code() == 0);
    CHECK(container.status() == "running");
    container.kill();
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(box.call({"kill", container.id(), "0"}).code() != 0);
}

TEST_CASE("kill, delete --regex: all whose ID matches, whatever becomes of one of them",
          "[kill][delete][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");  // each has its own
    Container running = reporting(box);
    box.bundle.args({"true"});
    Container created = box.create();
    box.bundle.args({"sleep"});
    Container other = box.create({}, "x" + box.name());
    box.clean_up_id(other.id());
    CHECK(box.call({"kill", "--regex", "^nobody", "KILL"}).code() == 0);
    CHECK(contains(box.call({"kill", "--regex", "a[", "KILL"}).err, "--regex: got \"a[\": "));
    const std::string pattern = "^" + box.name();
    CHECK(box.call({"kill", "-r", pattern, "KILL"}).code() == 0);
    CHECK(running.wait_code() == -SIGKILL);
    CHECK(created.wait_code() == -SIGKILL);
    CHECK(other.status() == "created");
    other.start();
    const Finished deleted = box.call({"delete", "--regex", box.name()});
    CHECK(deleted.code() == 1);
    CHECK(contains(deleted.err, "\"" + other.id() + "\": it is running"));
    CHECK(box.call({"list", "-q"}).out == other.id() + "\n");
    CHECK(box.call({"delete", "--regex", "--force", ".*"}).code() == 0);
    CHECK(other.wait_code() == -SIGKILL);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("kill: KILL cannot be handled", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    Container container = reporting(box);
    container.kill(GENERATE(as<std::string>(), "KILL", "9", "SIGKILL"));
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(container.status() == "stopped");
}

TEST_CASE("kill: a signal that does not exist is an error without effect", "[kill][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = reporting(box);
    const std::string signal = GENERATE(as<std::string>(), "NOSUCH", "SIG", "KILLL", "1x", "9999");
    CAPTURE(signal);
    CHECK(box.call({"kill", container.id(), signal}).code() != 0);
    CHECK(container.status() == "running");
}

TEST_CASE("kill: of a stopped or unknown container is an error", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    const Finished killed = box.call({"kill", container.id(), "TERM"});
    CHECK(killed.code() != 0);
    CHECK(killed.err != "");
    CHECK(box.call({"kill", "unknown", "TERM"}).code() != 0);
}

TEST_CASE("kill: the error for a stopped container is one that callers know", "[kill][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(contains(box.call({"kill", container.id(), "KILL"}).err, "container not running"));
    CHECK(contains(box.call({"kill", "unknown", "KILL"}).err, "does not exist"));
    CHECK(contains(box.call({"state", "unknown"}).err, "does not exist"));
    CHECK(contains(box.call({"delete", "unknown"}).err, "does not exist"));
}

TEST_CASE("kill: in created it ends the container", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.kill("KILL");
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(container.status() == "stopped");
}

TEST_CASE("kill: in created, signals that would end a program end the container",
          "[kill][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"true"});
    const auto [name, number] =
        GENERATE(table<const char*, int>({{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP}}));
    CAPTURE(name);
    Container container = box.create();
    container.kill(name);
    if (environment().runtime_name == "lxcri") {
        CHECK(container.wait_code() == 128 + number);
    } else {
        CHECK(container.wait_code() != 0);
    }
    CHECK(container.status() == "stopped");
    CHECK(box.call({"start", container.id()}).code() != 0);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("kill: in created, any signal that ends a program does, in each kind of container",
          "[kill][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"true"});
    SECTION("real time, as for systemd in a container") {
        Container container = box.create();
        container.kill("RTMIN+3");
        CHECK(container.wait_code() == 128 + SIGRTMIN + 3);
    }
    SECTION("USR1") {
        Container container = box.create();
        container.kill("USR1");
        CHECK(container.wait_code() == 128 + SIGUSR1);
    }
    SECTION("without a pid namespace it is an ordinary process") {
        box.bundle.remove_namespace("pid");
        Container container = box.create();
        container.kill("TERM");
        CHECK(container.wait_code() == -SIGTERM);
    }
    SECTION("with a kept monitor, HUP is no reboot") {
        CreateOptions options;
        options.global = {"--monitor", "keep"};
        Container container = box.create(options);
        container.kill("HUP");
        CHECK(container.wait_code() == 128 + SIGHUP);
        CHECK(container.status() == "stopped");
        container.remove();
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("kill: in created, signals that end nothing change nothing for the program", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"signals"});
    Container container = box.create();
    for (const char* name : {"WINCH", "CHLD", "CONT", "URG"}) container.kill(name);
    CHECK(container.status() == "created");
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(container.out().wait_for_end() == "blocked=\nignored=\n");
}

TEST_CASE("kill: only the container's first process gets it", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"spawn", "3", "--", "report"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    container.kill("USR1");
    container.out().wait_for("signal 10 ");
    // The children have the default action for USR1: they would be dead, and CHLD would tell.
    container.kill("USR2");
    container.out().wait_for("signal 12 ");
    CHECK(!contains(container.out().text(), "CHLD"));
}

TEST_CASE("kill --all: everything in the container gets it", "[kill]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"spawn", "3", "--", "report"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    const std::string flag = GENERATE(as<std::string>(), "--all", "-a");
    CHECK(box.call({"kill", flag, container.id(), "USR1"}).code() == 0);
    container.out().wait_for("signal 10 ");
    container.out().wait_for("signal 17 CHLD");
}

TEST_CASE("kill: KILL without a pid namespace ends all its processes", "[kill][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("pid").args({"spawn", "3", "--", "report"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(wait_for_children(milliseconds{5000}).empty());
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("delete --force: without a pid namespace it ends all processes", "[kill][delete]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("pid").args({"spawn", "3", "--", "report"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("delete: processes that outlive the first one, without a pid namespace",
          "[kill][delete][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("pid").args({"spawn", "2", "--", "exit", "0"});
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("kill: reaches a container process that was moved out of its cgroup",
          "[kill][cgroup][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const fs::path old_place = cgroup_of(container.pid(), "pids");
    REQUIRE(old_place != "");
    const fs::path new_place = old_place.parent_path() / (box.name() + "-elsewhere");
    fs::create_directory(new_place);
    write_file(new_place / "cgroup.procs", std::to_string(container.pid()));
    SECTION("which is empty") {}
    SECTION("which has gone") {
        REQUIRE(::rmdir(old_place.c_str()) == 0);
    }
    CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
    CHECK(container.wait_code() == -SIGKILL);
    container.remove();
    CHECK(::rmdir(new_place.c_str()) == 0);
}

TEST_CASE("kill: does not wait for a cgroup that one above it has frozen",
          "[kill][pause][cgroup][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV2);
    Box box;
    box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "-above/" + box.name();
    Container container = box.sleeper();
    const fs::path above = cgroup_of(container.pid(), "pids").parent_path();
    write_file(above / "cgroup.freeze", "1");
    for (int i = 0; i < 1000 && !contains(read_file(above / "cgroup.events"), "frozen 1"); ++i) {
        let_time_pass(milliseconds(2));
    }
    // At its deadline it would fail.
    CHECK(box.call({"--kill-timeout", "5", "kill", container.id(), "KILL"}).code() == 0);
    CHECK(container.wait_code() == -SIGKILL);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}
