// monitor = keep: liblxc's monitor stays, and liblxc's own tools work.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Container kept(Box& box, const Strings& probe_arguments) {
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
    box.bundle.args(probe_arguments);
    return box.create();
}

// Those of liblxc 5 know the files of version 1 alone; a monitor with few descriptors sees none.
bool shows_figures() {
    return environment().layout != CgroupLayout::kV2 && enough_descriptors();
}

// One of liblxc's tools on the container, called as the manual page says: `arguments` without the
// container's root.
Strings tool_line(const Box& box, const Container& container, const std::string& tool,
                  const Strings& arguments) {
    Strings line = {find_program("nsenter"),
                    "--net=/proc/" + std::to_string(container.pid()) + "/fd/5", find_program(tool),
                    "-P", box.root()};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return line;
}

Finished tool(const Box& box, const Container& container, const std::string& name,
              const Strings& arguments) {
    return run_command(tool_line(box, container, name, arguments));
}

}  // namespace

TEST_CASE("monitor: an annotation asks for one only where a setting allows it",
          "[monitor][reboot][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const auto [name, value] =
        GENERATE(table<std::string, std::string>({{"monitor", "keep"}, {"reboot", "restart"}}));
    const std::string annotation = "org.linuxcontainers.lxcri." + name;
    box.bundle.config["annotations"][annotation] = value;
    const std::string line = box.refusal();
    CHECK(contains(line, "/annotations/" + annotation + ": "));
    CHECK(contains(line, "monitorAnnotation"));
    // Nor beside containers of pods, which join namespaces of each other's processes.
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["io.kubernetes.cri.container-type"] = "container";
    CHECK(contains(box.refusal(), "not in a pod"));
}

TEST_CASE("monitor: is in the namespaces of the container that its pid stands for",
          "[monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // liblxc takes its devices back into the network namespace that the monitor is in.
    const bool has_devices = GENERATE(false, true);
    CreateOptions options;
    if (has_devices) {
        box.bundle.config["annotations"]["org.linuxcontainers.lxcri.item.lxc.net.0.type"] = "empty";
        options.global = {"--config", box / "lxcri.json"};
        write_file(box / "lxcri.json", R"({"lxcItems": ["lxc.net.0.type"]})");
    }
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create(options);
    const auto link = [](pid_t pid, const std::string& name) {
        return fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + name);
    };
    const pid_t init = container.state().at("pid");
    for (const char* name : {"ipc", "uts"}) {
        CAPTURE(name);
        CHECK(link(container.pid(), name) == link(init, name));
    }
    CHECK(link(container.pid(), "net") == link(has_devices ? getpid() : init, "net"));
    container.start();
    container.out().wait_for("ready");
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
}

TEST_CASE("monitor: kept, the pid-file has its pid, and state has init's", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = kept(box, {"trap", "TERM", "7"});
    const pid_t init = container.state().at("pid");
    CHECK(init != container.pid());
    CHECK(parent_of(init) == container.pid());
    CHECK(parent_of(container.pid()) == getpid());
    container.start();
    container.out().wait_for("ready");
    CHECK(container.state().at("pid") == init);
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("monitor: kept, it ends exactly as init did", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("exit 42") {
        Container container = kept(box, {"exit", "42"});
        container.start();
        CHECK(describe_status(container.wait()) == "exit 42");
    }
    SECTION("a signal") {
        Container container = kept(box, {"sleep"});
        container.start();
        container.kill("KILL");
        CHECK(describe_status(container.wait()) == "signal 9");
    }
}

TEST_CASE("monitor: kept, lxc-info knows the container", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("lxc-info"));
    NEEDS(need_program("nsenter"));
    Box box;
    Container container = kept(box, {"trap", "TERM", "0"});
    container.start();
    container.out().wait_for("ready");
    const Finished info = tool(box, container, "lxc-info", {"-n", container.id()});
    CAPTURE(info.err);
    CHECK(info.code() == 0);
    CHECK(line_after(info.out, "State:") == "RUNNING");
    CHECK(line_after(info.out, "PID:") == std::to_string(container.state().at("pid").get<int>()));
    if (shows_figures()) CHECK(contains(line_after(info.out, "Memory use:"), "iB"));
}

TEST_CASE("monitor: kept, lxcri and liblxc agree whether it is paused", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());
    NEEDS(need_program("lxc-freeze"));
    NEEDS(need_program("nsenter"));
    Box box;
    Container container = kept(box, {"trap", "TERM", "0"});
    container.start();
    container.out().wait_for("ready");
    const auto reported = [&] {
        return line_after(tool(box, container, "lxc-info", {"-n", container.id(), "-s"}).out,
                          "State:");
    };
    CHECK(box.call({"pause", container.id()}).code() == 0);
    CHECK(reported() == "FROZEN");
    CHECK(box.call({"resume", container.id()}).code() == 0);
    CHECK(reported() == "RUNNING");

    CHECK(tool(box, container, "lxc-freeze", {"-n", container.id()}).code() == 0);
    CHECK(container.status() == "paused");
    CHECK(reported() == "FROZEN");
    CHECK(tool(box, container, "lxc-unfreeze", {"-n", container.id()}).code() == 0);
    CHECK(container.status() == "running");
    CHECK(reported() == "RUNNING");

    // What one has stopped the other lets go on.
    CHECK(tool(box, container, "lxc-freeze", {"-n", container.id()}).code() == 0);
    CHECK(box.call({"resume", container.id()}).code() == 0);
    CHECK(reported() == "RUNNING");
    CHECK(box.call({"pause", container.id()}).code() == 0);
    CHECK(reported() == "FROZEN");
    CHECK(tool(box, container, "lxc-unfreeze", {"-n", container.id()}).code() == 0);
    CHECK(container.status() == "running");
    container.kill("TERM");
    CHECK(container.wait_code() == 0);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("monitor: kept, without a cgroup the tools of LXC freeze nothing", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("lxc-freeze"));
    NEEDS(need_program("nsenter"));
    Box box;
    CreateOptions options;
    options.global = {"--cgroup-manager", "disabled"};
    box.bundle.linux().erase("resources");
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create(options);
    container.start();
    container.out().wait_for("ready");
    // It would be the cgroup of the caller.
    CHECK(tool(box, container, "lxc-freeze", {"-n", container.id()}).code() != 0);
    CHECK(container.status() == "running");
    container.kill("TERM");
    CHECK(container.wait_code() == 0);
}

TEST_CASE("monitor: kept, the cgroup stays as create has made it", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    if (GENERATE(false, true)) {
        const Json mapping = {{"containerID", 0}, {"hostID", 100000}, {"size", 65536}};
        box.bundle.add_namespace("user");
        box.bundle.linux()["uidMappings"] = {mapping};
        box.bundle.linux()["gidMappings"] = {mapping};
        REQUIRE(chown(box.bundle.rootfs().c_str(), 100000, 100000) == 0);
    }
    Container container = kept(box, {"trap", "TERM", "0"});
    const pid_t init = container.state().at("pid");
    for (const char* controller : {"freezer", "cpuset", "memory"}) {
        const fs::path directory = cgroup_of(init, controller);
        CAPTURE(controller, directory);
        CHECK(directory != cgroup_of(container.pid(), controller));
        for (const fs::path& path : {directory, directory / "cgroup.procs"}) {
            struct stat status {};
            REQUIRE(stat(path.c_str(), &status) == 0);
            CHECK(status.st_uid == 0);
            CHECK((status.st_mode & 0022U) == 0);
        }
        CHECK(fs::exists(directory.parent_path() / "lxc.pivot") == false);
    }
    container.start();
    container.out().wait_for("ready");
    container.kill("TERM");
    CHECK(container.wait_code() == 0);
    // It is not liblxc that removes it.
    CHECK_FALSE(find_cgroups(box.name()).empty());
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("monitor: kept, delete --force removes it with the container", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = kept(box, {"trap", "TERM", "0"});
    if (GENERATE(true, false)) container.start();
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("monitor: kept, its death does not take state, kill and delete away",
          "[monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = kept(box, {"trap", "TERM", "0"});
    container.start();
    container.out().wait_for("ready");
    REQUIRE(kill(container.pid(), SIGKILL) == 0);
    (void)container.wait();
    CHECK((container.status() == "running" || container.status() == "stopped"));
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("monitor: kept, lxc-ls and lxc-attach know the container", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("lxc-ls"));
    NEEDS(need_program("nsenter"));
    NEEDS(need_program("lxc-attach"));
    Box box;
    if (GENERATE(false, true)) box.bundle.remove_namespace("network");
    Container container = kept(box, {"trap", "TERM", "0"});
    container.start();
    container.out().wait_for("ready");
    const Finished active = tool(box, container, "lxc-ls", {"--active", "-1"});
    CHECK(has_line(active.out, container.id()));
    const Finished attached = tool(box, container, "lxc-attach",
                                   {"-n", container.id(), "--clear-env", "--elevated-privileges",
                                    "--", "/probe", "hostname", "--", "ns"});
    CAPTURE(attached.err);
    CHECK(attached.code() == 0);
    CHECK(contains(attached.out, box.bundle.config.at("hostname").get<std::string>()));
    // Not left behind where the socket is.
    CHECK(line_after(attached.out, "net:") == line_after(box.exec(container, {"ns"}).out, "net:"));
    // Its limits hold for it: it is in the container's cgroup, or below it.
    const Finished inside =
        tool(box, container, "lxc-attach",
             {"-n", container.id(), "--clear-env", "--", "/probe", "cat", "/proc/self/cgroup"});
    const Strings cgroups = lines_of(inside.out);
    const Strings expected = lines_of(box.exec(container, {"cat", "/proc/self/cgroup"}).out);
    REQUIRE(cgroups.size() == expected.size());
    for (std::size_t i = 0; enough_descriptors() && i < cgroups.size(); ++i)
        CHECK(cgroups[i].starts_with(expected[i]));
    container.kill();
}

TEST_CASE("monitor: kept, lxc-top has the container in its table", "[monitor][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("lxc-top"));
    NEEDS(need_program("nsenter"));
    Box box;
    Container container = kept(box, {"trap", "TERM", "0"});
    container.start();
    container.out().wait_for("ready");
    Terminal terminal;
    terminal.keyboard.resize(24, 120);
    CommandOptions at_terminal;
    at_terminal.fds = {{terminal.slave.get(), 0}, {terminal.slave.get(), 1}};
    Process top(tool_line(box, container, "lxc-top", {"-d", "1"}), at_terminal);
    terminal.slave.reset();
    terminal.keyboard.wait_for("TOTAL 1 of 1");
    CHECK(contains(terminal.keyboard.text(), container.id().substr(0, 10)));
    if (shows_figures()) CHECK(contains(terminal.keyboard.text(), "iB"));
    top.signal(SIGTERM);
    (void)top.wait_exit_only();
    container.kill();
}
