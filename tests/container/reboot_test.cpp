// org.linuxcontainers.lxcri.reboot: what becomes of a container whose first process calls
// reboot(2).
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace os = lxcri::os;
namespace fs = std::filesystem;

namespace {

constexpr const char* kAnnotation = "org.linuxcontainers.lxcri.reboot";

// Of a container that reboots until it has lived `lives` times.
struct RebootBox : Box {
    explicit RebootBox(int lives, const char* annotation = "restart") {
        for (const char* set : {"bounding", "effective", "permitted"}) {
            bundle.process()["capabilities"][set].push_back("CAP_SYS_BOOT");
        }
        settings = {"--monitor-annotation"};
        if (annotation != nullptr) bundle.config["annotations"][kAnnotation] = annotation;
        bundle.args({"reboot-until", std::to_string(lives), "/lives"});
    }
    // A mount without which no life can begin: who removes the directory ends that.
    fs::path add_source() {
        const fs::path source = *this / "source";
        fs::create_directory(source);
        bundle.add_mount(
            {{"destination", "/tmp"}, {"type", "bind"}, {"source", source}, {"options", {"bind"}}});
        return source;
    }
    std::size_t lives() const { return read_file(bundle.rootfs() / "lives").size(); }
};

// A child of ours; it stays a zombie.
bool has_exited(pid_t pid) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

}  // namespace

TEST_CASE("reboot: the container starts again, and the caller sees one process",
          "[reboot][lxcri]") {
    NEEDS(need_runtime());
    RebootBox box(3);
    Container container = box.create();
    const pid_t first = container.state().at("pid");
    CHECK(parent_of(container.pid()) == getpid());
    CHECK(container.pid() != first);
    container.start();
    container.out().wait_for("life 3");
    container.out().wait_for("ready");
    CHECK(container.status() == "running");
    CHECK(container.state().at("pid") != first);
    // Of its last life: exec, limits and all else work.
    CHECK(contains(box.exec(container, {"hostname"}).out, "hostname"));
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
    CHECK(container.status() == "stopped");
    CHECK(container.out().text() == "life 1\nlife 2\nlife 3\nready\n");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: the process that stays holds nothing of its caller's", "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(2);
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    const os::UniqueFd reader(ends[0]);
    os::UniqueFd writer(ends[1]);
    CreateOptions options;
    options.command.fds = {{writer.get(), 9}};
    const fs::path log = box / "log";
    if (GENERATE(false, true)) options.global = {"--log", log, "--log-level", "info"};
    Container container = box.create(options);
    writer.reset();
    char byte = 0;
    CHECK(read(reader.get(), &byte, 1) == 0);
    container.start();
    container.out().wait_for("ready");
    container.kill();
    CHECK(container.wait_code() == -SIGKILL);
}

TEST_CASE("reboot: the container ends with the process that stays", "[reboot][lxcri]") {
    NEEDS(need_runtime());
    RebootBox box(GENERATE(1, 2));
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    REQUIRE(kill(container.pid(), SIGKILL) == 0);
    CHECK(container.wait_code() == -SIGKILL);
    // Without --force: it does not run.
    for (int i = 0; i < 200 && container.status() != "stopped"; ++i)
        let_time_pass(milliseconds(10));
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: run starts it again", "[reboot][lxcri]") {
    NEEDS(need_runtime());
    RebootBox box(2);
    box.bundle.write();
    const std::string id = box.new_id();
    Strings line = {"run", "--bundle", box.bundle.path(), id};
    SECTION("in the foreground") {
        Process run(box.command_line(line));
        run.out().wait_for("ready");
        CHECK(box.call({"kill", id, "TERM"}).code() == 0);
        CHECK(run.wait().code() == 7);
    }
    SECTION("in the background") {
        line.insert(line.begin() + 1, "--detach");
        const os::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
        CommandOptions quiet;
        quiet.fds = {{null.get(), 1}, {null.get(), 2}};
        CHECK(box.call(line, quiet).code() == 0);
        while (box.lives() < 2) let_time_pass(milliseconds(5));
        CHECK(box.call({"delete", "--force", id}).code() == 0);
    }
    CHECK(box.lives() == 2);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: without the annotation the container ends", "[reboot][lxcri]") {
    NEEDS(need_runtime());
    RebootBox box(2, GENERATE(as<const char*>(), nullptr, "end"));
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == -SIGHUP);
    CHECK(container.status() == "stopped");
    CHECK(box.lives() == 1);
}

TEST_CASE("reboot: what cannot restart is an error", "[reboot][lxcri]") {
    NEEDS(need_runtime());
    RebootBox box(1);
    CreateOptions options;
    std::string reason;
    SECTION("another value") {
        box.bundle.config["annotations"][kAnnotation] = "maybe";
        reason = "expected restart or end, got \"maybe\"";
    }
    SECTION("no pid namespace") {
        box.bundle.remove_namespace("pid");
        reason = "a container without a new pid namespace cannot reboot";
    }
    SECTION("a device of the host that the first life takes with it") {
        box.bundle.linux()["netDevices"] = {{"none0", Json::object()}};
        reason = "/linux/netDevices";
    }
    SECTION("a terminal of the engine") {
        box.bundle.process()["terminal"] = true;
        options.flags = {"--console-socket", box / "console"};
        reason = "--console-socket";
    }
    const std::string line = box.refusal(options);
    CHECK(contains(line, "/annotations/org.linuxcontainers.lxcri.reboot: "));
    CHECK(contains(line, reason));
}

TEST_CASE("reboot: an error of create comes from the process that would have stayed",
          "[reboot][lxcri]") {
    NEEDS(need_runtime());
    RebootBox box(1);
    box.bundle.process()["args"] = {"/missing"};
    Container container = box.try_create();
    if (container.created.code() == 0) {
        // The program is looked for when it starts.
        const Finished started = box.call({"start", container.id()});
        CHECK(started.code() == 1);
        CHECK(contains(started.err, "/missing"));
        box.call({"delete", "--force", container.id()});
    } else {
        CHECK(contains(container.created.err, "/missing"));
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: one after the other, not faster than one in a second", "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(1000);
    Container container = box.create();
    container.start();
    let_time_pass(milliseconds(2500));
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.lives() >= 2);
    CHECK(box.lives() <= 4);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: each life has its hooks", "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(2);
    const fs::path seen = box / "seen";
    for (const char* kind : {"createRuntime", "poststart", "poststop"}) {
        box.bundle.config["hooks"][kind] = {
            {{"path", "/bin/sh"},
             {"args", {"sh", "-c", std::string("echo ") + kind + " >>" + seen.string()}}}};
    }
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
    container.remove();
    CHECK(read_file(seen) ==
          "createRuntime\npoststart\npoststop\ncreateRuntime\npoststart\npoststop\n");
}

TEST_CASE("reboot: a life that cannot begin leaves a stopped container", "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(2);
    const fs::path source = box.add_source();
    Container container = box.create();
    fs::remove(source);
    container.start();
    CHECK(container.wait_code() == 1);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: ends with the process that stays, whatever its user", "[reboot][lxcri]") {
    NEEDS(need_runtime());
    // setresuid clears the parent-death signal of the container process: pr_set_pdeathsig(2const).
    RebootBox box(1);
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    const pid_t init = container.state().at("pid");
    SECTION("if that is killed") {
        REQUIRE(kill(container.pid(), SIGKILL) == 0);
    }
    SECTION("if liblxc's monitor is killed") {
        REQUIRE(kill(parent_of(init), SIGKILL) == 0);
    }
    CHECK(container.wait_code() == -SIGKILL);
    for (int i = 0; i < 200 && container.status() != "stopped"; ++i)
        let_time_pass(milliseconds(10));
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: the process that stays is in the namespaces of the container",
          "[reboot][lxcri]") {
    NEEDS(need_runtime());
    // Engines make the network of a container, and join its namespaces, by the pid that they have.
    RebootBox box(GENERATE(1, 2));
    Container container = box.create();
    const auto same = [&](const std::string& name) {
        const std::string init = std::to_string(container.state().at("pid").get<pid_t>());
        return fs::read_symlink("/proc/" + std::to_string(container.pid()) + "/ns/" + name) ==
               fs::read_symlink("/proc/" + init + "/ns/" + name);
    };
    const auto check_same = [&] {
        for (const char* name : {"net", "ipc", "uts"}) {
            CAPTURE(name);
            CHECK(same(name));
        }
    };
    check_same();
    container.start();
    container.out().wait_for("ready");
    // In a later life the container process begins a moment before it.
    for (int i = 0; i < 200 && !same("uts"); ++i) let_time_pass(milliseconds(10));
    check_same();
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
}

TEST_CASE("reboot: another container that has the ID meanwhile is left alone",
          "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(1000);
    Container first = box.create();
    first.start();
    // In the second between two lives. On a busy machine the next one may have begun meanwhile.
    while (box.call({"delete", first.id()}).code() != 0) let_time_pass(milliseconds(5));
    box.bundle.args({"trap", "TERM", "3"});
    box.bundle.config["annotations"].erase(kAnnotation);
    Container second = box.create({}, first.id());
    second.start();
    second.out().wait_for("ready");
    CHECK(first.wait_code() == 1);
    CHECK(second.status() == "running");
    second.kill("TERM");
    CHECK(second.wait_code() == 3);
    second.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: kill between two lives ends the container", "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    const std::string signal = GENERATE("TERM", "KILL");
    RebootBox box(1000);
    Container container = box.create();
    container.start();
    // On a busy machine the next life may have begun meanwhile; it ignores SIGTERM.
    do {
        while (container.status() != "stopped") let_time_pass(milliseconds(5));
        CHECK(box.call({"kill", container.id(), signal}).code() == 0);
        let_time_pass(milliseconds(200));
    } while (!has_exited(container.pid()));
    CHECK(container.wait_code() == (signal == "TERM" ? -SIGTERM : -SIGKILL));
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: poststop hooks run once for a life, also if the next cannot begin",
          "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(2);
    const fs::path seen = box / "seen";
    const fs::path source = box / "source";
    const auto hook = [&](const std::string& script) {
        return Json{{{"path", "/bin/sh"}, {"args", {"sh", "-c", script}}}};
    };
    box.bundle.config["hooks"]["poststop"] = hook("echo poststop >>" + seen.string());
    std::string expected = "poststop\n";
    SECTION("a mount has lost its source") {
        (void)box.add_source();
    }
    SECTION("a hook fails") {
        // Those that have run belong to a life of which poststop is the end.
        box.bundle.config["hooks"]["createRuntime"] = hook("test -d " + source.string());
        expected += "poststop\n";
        fs::create_directory(source);
    }
    const fs::path log = box / "log";
    CreateOptions options;
    options.global = {"--log", log, "--log-format", "json"};
    Container container = box.create(options);
    fs::remove(source);
    container.start();
    CHECK(container.wait_code() == 1);
    CHECK(read_file(seen) == expected);
    // Why is in the log: the engine hears nothing but the exit status.
    CHECK(contains(read_file(log), "does not start again: "));
    container.remove();
    CHECK(read_file(seen) == expected);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: run removes the container if its next life cannot begin",
          "[reboot][lxcri][slow]") {
    NEEDS(need_runtime());
    RebootBox box(2);
    const fs::path source = box.add_source();
    box.bundle.write();
    Process run(box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()}));
    run.out().wait_for("life 1");
    fs::remove(source);
    CHECK(run.wait().code() == 1);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("reboot: beside the sandbox of a pod no process stays", "[reboot][monitor][lxcri]") {
    NEEDS(need_runtime());
    // The other containers of the pod join what they find at /proc/PID/ns.
    Box box;
    Json& annotations = box.bundle.config["annotations"];
    annotations[GENERATE(as<const char*>(), "io.kubernetes.cri.container-type",
                         "io.kubernetes.cri-o.ContainerType")] = "sandbox";
    annotations["org.linuxcontainers.lxcri.reboot"] = "restart";
    annotations["org.linuxcontainers.lxcri.monitor"] = "keep";
    Container container = box.create();
    CHECK(container.pid() == container.state().at("pid").get<pid_t>());
}
