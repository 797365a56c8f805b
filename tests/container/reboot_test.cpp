// org.linuxcontainers.lxcri.reboot: what becomes of a container whose first process calls
// reboot(2).
#include <fcntl.h>
#include <signal.h>
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
        if (annotation != nullptr) bundle.config["annotations"][kAnnotation] = annotation;
        bundle.args({"reboot-until", std::to_string(lives), "/lives"});
    }
    std::size_t lives() const { return read_file(bundle.rootfs() / "lives").size(); }
};

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
    box.bundle.add_mount({{"destination", "/tmp"},
                          {"type", "bind"},
                          {"source", box / "source"},
                          {"options", {"bind"}}});
    fs::create_directory(box / "source");
    Container container = box.create();
    fs::remove(box / "source");
    container.start();
    CHECK(container.wait_code() == 1);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}
