// What is left of a container when files of its record are lost, damaged or replaced, when commands
// on it hang, and when `create` has died: `delete --force` removes whatever can be found, and no
// command waits for good.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/tracer.h"

using namespace lxcri::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

void damage(const fs::path& file, const std::string& how) {
    const std::string before = fs::is_regular_file(file) ? read_file(file) : "";
    fs::remove(file);
    if (how == "empty") write_file(file, "");
    if (how == "cut") write_file(file, before.substr(0, before.size() / 2));
    if (how == "of another kind") write_file(file, "[1, 2]");
    if (how == "FIFO") REQUIRE(mkfifo(file.c_str(), 0600) == 0);
    if (how == "folder") fs::create_directories(file / "inside");
    if (how == "link") fs::create_symlink("/dev/zero", file);
    if (how == "device") REQUIRE(mknod(file.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0);
}

void check_force_removes(Box& box, const std::string& id) {
    const Finished removed = box.call({"delete", "--force", id});
    INFO("delete said: " << removed.err);
    CHECK(removed.code() == 0);
    CHECK(removed.duration < 5s);
    CHECK(box.leftovers() == Strings{});
}

// A create that was killed while a hook ran.
std::string killed_create(Box& box) {
    const fs::path fifo = box / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    box.bundle.config["hooks"]["createRuntime"] = {
        hook({"write", fifo.string(), "x", "--", "sleep"})};
    box.bundle.write();
    std::string id = box.new_id();
    CommandOptions options;
    options.fds = {{-1, 1}, {-1, 2}};
    Process create(box.command_line({"create", "--bundle", box.bundle.path(), id}), options);
    CHECK(read_file(fifo) == "x");
    create.signal(SIGKILL);
    (void)create.wait_exit_only();
    return id;
}

}  // namespace

TEST_CASE("damage: delete --force removes a running container whose files are lost or strange",
          "[damage][delete][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());
    const std::string file =
        GENERATE(as<std::string>(), "state.json", "config.json", "start.fifo", "plan");
    const std::string how = GENERATE(as<std::string>(), "missing", "empty", "cut",
                                     "of another kind", "FIFO", "folder", "link", "device");
    // A FIFO is what it should be.
    if (file == "start.fifo" && how == "FIFO") return;
    CAPTURE(file, how);
    Box box;
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "seen", "poststop")});
    Container container = box.sleeper();
    damage(box.root() / container.id() / file, how);
    for (const Strings& command :
         {Strings{"list"}, Strings{"state", container.id()}, Strings{"inspect", container.id()}}) {
        const Finished said = box.call(command);
        CHECK(said.duration < 5s);
        CHECK(said.code() >= 0);
        if (file == "plan") CHECK(said.code() == 0);
    }
    check_force_removes(box, container.id());
    CHECK_FALSE(is_alive(container.pid()));
    CHECK(fs::exists(box / "seen"));  // the plan has them, and so has config.json
}

TEST_CASE("damage: delete --force says what could not be read", "[damage][delete][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "seen", "poststop")});
    Container container = box.sleeper();
    const bool is_plan = GENERATE(false, true);
    const fs::path directory = box.root() / container.id();
    if (is_plan) {
        fs::resize_file(directory / "plan", fs::file_size(directory / "plan") / 2);
        write_file(directory / "config.json", "{");
    } else {
        write_file(directory / "state.json", "{");
    }
    const fs::path log = box / "log";
    CHECK(box.call({"--log", log, "delete", "--force", container.id()}).code() == 0);
    CHECK(contains(read_file(log), is_plan ? "poststop hooks are not run" : "state.json"));
    CHECK(fs::exists(box / "seen") == !is_plan);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("damage: delete without --force kills nothing that it does not know",
          "[damage][delete][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    fs::remove(box.root() / container.id() / "state.json");
    const Finished refused = box.call({"delete", container.id()});
    CHECK(refused.code() == 1);
    CHECK(lines_of(refused.err).size() == 1);
    CHECK(contains(refused.err, "state.json is missing, but it has processes"));
    CHECK(is_alive(container.pid()));
    check_force_removes(box, container.id());
}

TEST_CASE("damage: a delete that was interrupted runs the poststop hooks when it is repeated",
          "[damage][delete][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "seen", "poststop")});
    Container container = box.sleeper();
    container.kill();
    (void)container.wait();
    fs::remove(box.root() / container.id() / "config.json");
    if (GENERATE(false, true)) fs::remove(box.root() / container.id() / "state.json");
    CHECK(box.call({"delete", container.id()}).code() == 0);
    CHECK(fs::exists(box / "seen"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("damage: delete without known poststop hooks wants to be told to leave them out",
          "[damage][delete][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "seen", "poststop")});
    Container container = box.sleeper();
    container.kill();
    (void)container.wait();
    for (const char* file : {"config.json", "plan"}) fs::remove(box.root() / container.id() / file);
    const Finished refused = box.call({"delete", container.id()});
    CHECK(refused.code() == 1);
    CHECK(contains(refused.err, "--force removes the container without its poststop hooks"));
    check_force_removes(box, container.id());
}

TEST_CASE("damage: a cgroup belongs to one container until that is deleted",
          "[damage][cgroup][delete][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "-shared";
    Container first = box.sleeper();
    first.kill();
    (void)first.wait();
    const std::string refusal = [&] {
        Container second = box.try_create();
        CHECK(second.created.code() == 1);
        CHECK(lines_of(second.created.err).size() == 1);
        CHECK_FALSE(fs::exists(box.root() / second.id()));
        return second.created.err;
    }();
    CHECK(contains(refusal, "/linux/cgroupsPath: "));
    CHECK(contains(refusal, "belongs to the container \"" + first.id() + "\""));
    // The first one still has it.
    CHECK(first.status() == "stopped");
    first.remove();
    Container third = box.sleeper();
    CHECK(third.status() == "running");
    check_force_removes(box, third.id());
}

TEST_CASE("damage: a later cgroup of the same name is another container's",
          "[damage][cgroup][delete][kill][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "-shared";
    Container first = box.sleeper();
    first.kill();
    (void)first.wait();
    // As systemd does it with a scope that has become empty.
    for (const fs::path& directory : find_cgroups(box.name() + "-shared")) fs::remove(directory);
    Container second = box.sleeper();
    CHECK(box.call({"kill", "--all", first.id(), "KILL"}).code() == 0);
    CHECK(box.call({"delete", first.id()}).code() == 0);
    CHECK(second.status() == "running");
    CHECK(is_alive(second.pid()));
    CHECK(box.exec(second, {"true"}).code() == 0);
    check_force_removes(box, second.id());
}

TEST_CASE("damage: delete --force does not wait for a hook of the start that hangs",
          "[damage][delete][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const bool own_pids = GENERATE(true, false);
    CAPTURE(own_pids);
    if (!own_pids) box.bundle.remove_namespace("pid");
    const fs::path fifo = box.bundle.in_rootfs("fifo");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    box.bundle.config["hooks"]["startContainer"] = {
        hook({"write", "/fifo", "x", "--", "sleep"}, "/probe")};
    Container container = box.create();
    Process start(box.command_line({"start", container.id()}));
    CHECK(read_file(fifo) == "x");
    const Finished removed = box.call({"delete", "--force", container.id()});
    CHECK(removed.code() == 0);
    CHECK(removed.duration < 5s);
    const Finished started = start.wait();
    CHECK(started.code() == 1);
    CHECK(lines_of(started.err).size() == 1);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("damage: delete --force ends a command that hangs on the container",
          "[damage][delete][hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path fifo = box / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    box.bundle.config["hooks"]["poststart"] =
        Json::array({hook({"write", fifo.string(), "x", "--", "sleep"})});
    Container container = box.create();
    Process start(box.command_line({"start", container.id()}));
    CHECK(read_file(fifo) == "x");
    const Finished removed =
        box.call({"--delete-timeout", "1", "delete", "--force", container.id()});
    INFO(removed.err);
    CHECK(removed.code() == 0);
    CHECK(removed.duration > 900ms);
    CHECK(removed.duration < 5s);
    CHECK(start.wait().code() == -SIGKILL);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("damage: a create that died is a stopped container for every command",
          "[damage][state][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string id = killed_create(box);
    CHECK(Json::parse(box.call({"state", id}).out).at("status") == "stopped");
    const Finished started = box.call({"start", id});
    CHECK(started.code() == 1);
    CHECK(contains(started.err, "it is stopped"));
    CHECK(box.call({"delete", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("damage: create with a limit on the size of files says what is wrong",
          "[damage][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.write();
    const std::string id = box.new_id();
    const int blocks = GENERATE(0, 1);
    CAPTURE(blocks);
    Strings line = {"/bin/sh", "-c", "ulimit -f " + std::to_string(blocks) + "; exec \"$@\"", "sh"};
    for (const auto& word : box.command_line({"create", "--bundle", box.bundle.path(), id})) {
        line.push_back(word);
    }
    const Finished said = run_command(line);
    CHECK(said.code() == 1);
    CHECK(lines_of(said.err).size() == 1);
    CHECK(contains(said.err, "file too large"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("damage: exec that a pause overtakes ends at its deadline",
          "[damage][exec][pause][lxcri]") {
    NEEDS(need_runtime());
    // What is frozen with version 2 can be killed.
    APPLIES(has_controller("freezer"));
    APPLIES(in_first_view() || environment().layout == CgroupLayout::kV1);
    Box box;
    Container container = box.sleeper();
    const Strings line =
        box.command_line({"--create-timeout", "1", "exec", container.id(), "/probe", "true"});
    CommandOptions options;
    options.timeout = 20s;
    const auto traced = run_and_interrupt(line, options, SYS_clone3, [&] {
        CHECK(box.call({"pause", container.id()}).code() == 0);
    });
    CHECK(traced.killed);
    CHECK_FALSE(traced.hung);
    CHECK(traced.command.code() == 255);
    CHECK(contains(traced.command.err, "was not ready within 1 seconds"));
    CHECK(box.call({"resume", container.id()}).code() == 0);
    CHECK(box.exec(container, {"true"}).code() == 0);
    check_force_removes(box, container.id());
}
