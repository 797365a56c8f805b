// pause and resume.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/tracer.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Container ticking(Box& box) {
    box.bundle.args({"tick"});
    Container container = box.create();
    container.start();
    container.out().wait_for("tick");
    return container;
}

void require_ok(const Finished& finished) {
    INFO("it said: " << finished.err);
    REQUIRE(finished.code() == 0);
    CHECK(finished.out == "");
}

void pause(Box& box, const Container& container) {
    require_ok(box.call({"pause", container.id()}));
}
void resume(Box& box, const Container& container) {
    require_ok(box.call({"resume", container.id()}));
}

// How much has come until now.
std::size_t output_of(Container& container) {
    container.out().take();
    return container.out().text().size();
}

// Puts a process into a cgroup below the container's, in the hierarchies that can freeze, and
// freezes that: what a container does that has been given its cgroup.
void freeze_below(const Container& container) {
    const std::string pid = std::to_string(container.pid());
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        const fs::path own = hierarchy.v2 ? hierarchy.mount_point / container.id()
                                          : cgroup_of(container.pid(), "freezer");
        const bool freezes = hierarchy.v2 || contains(own.string(), hierarchy.mount_point.string());
        if (!freezes || !fs::exists(own)) continue;
        const fs::path inner = own / "inner";
        REQUIRE(mkdir(inner.c_str(), 0755) == 0);
        write_file(inner / "cgroup.procs", pid);
        if (hierarchy.v2) {
            write_file(inner / "cgroup.freeze", "1");
        } else {
            write_file(inner / "freezer.state", "FROZEN");
        }
    }
}

fs::path v2_cgroup(const Container& container) {
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        if (hierarchy.v2) return hierarchy.mount_point / container.id();
    }
    return {};
}

template <class Condition>
bool eventually(Condition&& condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) return true;
        let_time_pass(milliseconds{10});
    }
    return false;
}

bool is_alive(const std::string& pid) {
    const std::string stat = read_file("/proc/" + pid + "/stat");
    const auto name_end = stat.rfind(") ");
    return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

bool waits_for_lock(const std::string& pid) {
    for (const std::string& line : lines_of(read_file("/proc/locks"))) {
        if (contains(line, "-> FLOCK") && contains(line, " " + pid + " ")) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("pause: nothing runs until resume", "[pause]") {
    NEEDS(need_runtime());
    Box box;
    Container container = ticking(box);
    pause(box, container);
    CHECK(container.status() == "paused");
    const std::size_t before = output_of(container);
    let_time_pass(milliseconds{50});
    CHECK(output_of(container) == before);
    resume(box, container);
    CHECK(container.status() == "running");
    while (output_of(container) == before) container.out().wait_for("tick");
}

TEST_CASE("pause: list and state show it", "[pause]") {
    NEEDS(need_runtime());
    Box box;
    Container container = ticking(box);
    pause(box, container);
    CHECK(contains(box.call({"list"}).out, "paused"));
    const Json list = Json::parse(box.call({"list", "-f", "json"}).out);
    CHECK(list.at(0).at("status") == "paused");
    CHECK(container.state().at("pid") == container.pid());
}

TEST_CASE("pause: of a paused one is an error, and it stays paused", "[pause][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = ticking(box);
    pause(box, container);
    CHECK(box.call({"pause", container.id()}).code() == 1);
    CHECK(container.status() == "paused");
    resume(box, container);
    CHECK(box.call({"resume", container.id()}).code() == 1);
    CHECK(container.status() == "running");
}

TEST_CASE("pause: of a created one; start waits for resume", "[pause][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    pause(box, container);
    CHECK(container.status() == "paused");
    CHECK(box.call({"start", container.id()}).code() != 0);
    resume(box, container);
    CHECK(container.status() == "created");
    container.start();
    container.out().wait_for("ready");
}

TEST_CASE("pause, resume: of a stopped or unknown one is an error", "[pause]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    const std::string command = GENERATE(as<std::string>(), "pause", "resume");
    const Finished finished = box.call({command, container.id()});
    CHECK(finished.code() == 1);
    CHECK(finished.err != "");
    CHECK(box.call({command, "unknown"}).code() == 1);
}

TEST_CASE("pause: all processes, also those in cgroups below", "[pause]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("pid").args({"spawn", "20", "--", "tick"});
    Container container = box.create();
    container.start();
    container.out().wait_for("tick");
    pause(box, container);
    const std::size_t before = output_of(container);
    let_time_pass(milliseconds{30});
    CHECK(output_of(container) == before);
    resume(box, container);
    while (output_of(container) == before) container.out().wait_for("tick");
}

TEST_CASE("pause: a fork bomb", "[pause]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("pids"));
    Box box;
    box.bundle.linux()["resources"]["pids"]["limit"] = 50;
    box.bundle.args({"bomb"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    pause(box, container);
    CHECK(container.status() == "paused");
    resume(box, container);
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("pause: one that has no cgroup is an error that says so", "[pause][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    box.bundle.linux().erase("resources");
    box.bundle.remove_mount("/sys/fs/cgroup");
    CreateOptions options;
    options.global = {"--cgroup-manager", "disabled"};
    Container container = box.create(options);
    const Finished finished = box.call({"pause", container.id()});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "no cgroup"));
}

// --- the end of what is paused ----------------------------------------------------------------

TEST_CASE("kill: KILL ends a paused container at once", "[pause][kill][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = ticking(box);
    pause(box, container);
    SECTION("its process") {
        container.kill("KILL");
    }
    SECTION("all") {
        CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
    }
    CHECK(container.wait_code() == -SIGKILL);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("pause: a container that is killed meanwhile ends it at once", "[pause][kill][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout != CgroupLayout::kV1);
    Box box;
    Container container = box.sleeper();
    CommandOptions options;
    options.timeout = milliseconds{20'000};
    const auto begin = std::chrono::steady_clock::now();
    // It waits for what cgroup.events says when it has told the cgroup to freeze. The loader of a
    // dynamic program makes the same call, for the libraries.
    const long of_loader =
        run_and_interrupt(box.command_line({"--help"}), options, SYS_pread64, {}, 0).calls;
    const auto kill_container = [&] {
        CHECK(read_file(v2_cgroup(container) / "cgroup.freeze") == "1\n");
        CHECK(box.call({"kill", container.id(), "KILL"}).code() == 0);
        wait_until_dead(container.pid());
    };
    const Traced traced = run_and_interrupt(box.command_line({"pause", container.id()}), options,
                                            SYS_pread64, kill_container, of_loader + 1);
    CHECK(traced.killed);
    CHECK(traced.command.code() == 1);
    CHECK(contains(traced.command.err, "it is stopped"));
    CHECK(std::chrono::steady_clock::now() - begin < milliseconds{5000});
    CHECK(box.call({"delete", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("kill: TERM waits in a paused container for its resume", "[pause][kill]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    pause(box, container);
    container.kill("TERM");
    let_time_pass(milliseconds{20});
    CHECK(container.status() == "paused");
    resume(box, container);
    CHECK(container.wait_code() == 7);
}

TEST_CASE("kill --all: a pause at the same time stays in force", "[pause][kill][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // TERM is waited for and ends nothing.
    box.bundle.args({"report"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    // Before it freezes the container, and while it sends.
    const long call = GENERATE(long{SYS_write}, long{SYS_pidfd_send_signal});
    CAPTURE(call);
    std::string pause;  // its pid
    const Traced kill = run_and_interrupt(
        box.command_line({"kill", "--all", container.id(), "USR1"}), {}, call, [&] {
            std::string command;
            for (const std::string& word : box.command_line({"pause", container.id()})) {
                command += "'" + word + "' ";
            }
            const Strings shell = {"/bin/sh", "-c", command + ">/dev/null 2>&1 & echo $!"};
            pause = lines_of(run_command(shell).out).at(0);
            // It has come to its end, or waits for a lock.
            REQUIRE(eventually([&] { return !is_alive(pause) || waits_for_lock(pause); }));
        });
    CHECK(kill.killed);
    CHECK(kill.command.code() == 0);
    INFO(kill.command.err);
    CHECK(eventually([&] { return !is_alive(pause); }));
    CHECK(container.status() == "paused");
    resume(box, container);
    container.out().wait_for("signal " + std::to_string(SIGUSR1) + " ");
}

TEST_CASE("kill --all: waits for no hook that holds the lock", "[pause][kill][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path fifo = box / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    box.bundle.args({"report"});
    box.bundle.config["hooks"]["poststart"] = {
        {{"path", environment().probe},
         {"args", {"hook", "write", fifo.string(), "x", "--", "sleep"}}}};
    Container container = box.create();
    Process start(box.command_line({"start", container.id()}), {});
    CHECK(read_file(fifo) == "x");
    container.out().wait_for("ready");
    const Finished finished = box.call({"kill", "--all", container.id(), "USR1"});
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(finished.duration < std::chrono::seconds(2));
    container.out().wait_for("signal " + std::to_string(SIGUSR1) + " ");
    start.signal(SIGKILL);
    (void)start.wait_exit_only();
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
}

TEST_CASE("delete --force: of a paused container", "[pause][delete]") {
    NEEDS(need_runtime());
    Box box;
    Container container = ticking(box);
    pause(box, container);
    CHECK(box.call({"delete", container.id()}).code() != 0);
    CHECK(container.status() == "paused");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("kill, delete: a container that has frozen itself", "[pause][kill][delete][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = ticking(box);
    freeze_below(container);
    SECTION("kill") {
        container.kill("KILL");
        CHECK(container.wait_code() == -SIGKILL);
        container.remove();
    }
    SECTION("kill --all") {
        CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
        CHECK(container.wait_code() == -SIGKILL);
        container.remove();
    }
    SECTION("kill --all with a signal that it cannot take now") {
        const Finished finished = box.call({"kill", "--all", container.id(), "USR2"});
        CHECK(finished.code() == 0);
        CHECK(finished.duration < milliseconds{5000});
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    SECTION("delete --force") {
        const Finished finished = box.call({"delete", "--force", container.id()});
        CHECK(finished.err == "");
        CHECK(finished.code() == 0);
        CHECK(finished.duration < milliseconds{5000});
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("kill --all, delete --force: a fork bomb ends in bounded time", "[pause][kill][delete]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("pids"));
    Box box;
    box.bundle.linux()["resources"]["pids"]["limit"] = 100;
    const bool own_pid_namespace = GENERATE(true, false);
    if (!own_pid_namespace) box.bundle.remove_namespace("pid");
    box.bundle.args({"bomb"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    SECTION("delete --force") {
        const Finished finished = box.call({"delete", "--force", container.id()});
        CHECK(finished.code() == 0);
        CHECK(finished.duration < milliseconds{10000});
    }
    SECTION("kill --all TERM, then delete") {
        // Without a pid namespace of its own it has no init, which would be deaf to TERM.
        const Finished finished =
            box.call({"kill", "--all", container.id(), own_pid_namespace ? "KILL" : "TERM"});
        INFO(finished.err);
        CHECK(finished.code() == 0);
        CHECK(finished.duration < milliseconds{10000});
        (void)container.wait();
        (void)wait_for_children(kDeadline);
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}
