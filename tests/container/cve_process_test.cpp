// Published attacks that are about the process, its user and privileges, hooks and messages; those
// about paths are in cve_test.cpp. docs/security.md lists all of them.
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>

#include "support/canary.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// Users whose names are numbers: a runtime that looks a number up as a name makes them root.
constexpr const char* kNumericNames =
    "1000:x:0:0:root:/stolen:/bin/sh\n"
    "1:x:0:0:root:/stolen:/bin/sh\n"
    "+1000:x:0:0::/stolen:/bin/sh\n"
    "real:x:1000:1000::/home/real:/bin/sh\n"
    "one:x:1:1::/home/one:/bin/sh\n";

void end(Container& container) {
    container.kill("KILL");
    (void)container.wait();
    container.remove();
}

}  // namespace

TEST_CASE("CVE-2016-3697: a user name that is a number", "[cve][hostile][user]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/passwd"), kNumericNames);
    write_file(box.bundle.in_rootfs("etc/group"), "1000:x:0:\n1:x:0:1000,real\n");
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.process()["env"] = {"PATH=/"};
    const Outcome outcome = box.life({"ids", "--", "env"});
    CHECK(contains(outcome.out, "uid=1000,1000,1000\ngid=1000,1000,1000\n"));
    CHECK(has_line(outcome.out, "HOME=/home/real"));
}

// crun: `exec --user 1` was root.
TEST_CASE("CVE-2026-30892: exec --user with one digit", "[cve][hostile][user][exec]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/passwd"), kNumericNames);
    Container container = box.sleeper();
    for (const char* user : {"1", "1000", "1:0", "0:1"}) {
        CAPTURE(user);
        const Finished finished = box.exec(container, {"ids"}, {"--user", user});
        const Strings parts = split(user, ':');
        const std::string& uid = parts[0];
        CHECK(contains(finished.out, "uid=" + uid + "," + uid + "," + uid + "\n"));
        if (parts.size() == 2) {
            const std::string& gid = parts[1];
            CHECK(contains(finished.out, "gid=" + gid + "," + gid + "," + gid + "\n"));
        }
    }
    end(container);
}

// containerd: a user beyond 2^32 became root.
TEST_CASE("CVE-2024-40635: users and groups beyond 32 bits", "[cve][hostile][user][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const auto number = GENERATE(4294967296U + 0UL, 4294967295UL, 18446744073709551615UL);
    const std::string name = GENERATE(as<std::string>(), "uid", "gid");
    box.bundle.process()["user"][name] = number;
    CHECK(contains(box.refusal(), "/process/user/" + name));
}

// runc, crun, youki, Docker, Podman: processes had capabilities in the inheritable set that were
// not asked for, and a file with the same ones gave them back.
TEST_CASE("CVE-2022-29162: exec --cap gives nothing to inherit", "[cve][capabilities][exec]") {
    NEEDS(need_runtime());
    Box box;
    const bool has_capabilities = GENERATE(true, false);
    if (has_capabilities) {
        box.bundle.process()["capabilities"] = Json::parse(
            R"({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]})");
    } else {
        box.bundle.process().erase("capabilities");
    }
    box.bundle.process()["user"] = {{"uid", GENERATE(0, 1000)}, {"gid", 0}};
    Container container = box.sleeper();
    const Finished finished =
        box.exec(container, {"field", "CapInh", "CapAmb"}, {"--cap", "CAP_NET_RAW"});
    CHECK(finished.code() == 0);
    CHECK(has_line(finished.out, "CapInh:\t0000000000000000"));
    CHECK(has_line(finished.out, "CapAmb:\t0000000000000000"));
    end(container);
}

TEST_CASE("CVE-2022-24769: what spec writes gives nothing to inherit",
          "[cve][capabilities][spec]") {
    NEEDS(need_runtime());
    Box box;
    CommandOptions options;
    options.working_directory = box.bundle.path();
    fs::remove(box.bundle.path() / "config.json");
    REQUIRE(box.call({"spec"}, options).code() == 0);
    const Json config = Json::parse(read_file(box.bundle.path() / "config.json"));
    const Json& sets = config.at("process").at("capabilities");
    for (const char* name : {"inheritable", "ambient"}) {
        CHECK((!sets.contains(name) || sets.at(name).empty()));
    }
}

// LXC: a process of the container typed into the terminal of the one who had started it.
TEST_CASE("CVE-2016-10124: the caller's terminal takes no input from the container",
          "[cve][hostile][terminal]") {
    NEEDS(need_runtime());
    NEEDS(need_program("setsid"));
    Box box;
    box.bundle.process()["terminal"] = false;
    box.bundle.process()["capabilities"] = default_capabilities();
    const bool is_exec = GENERATE(true, false);
    Terminal terminal;
    CommandOptions options;
    options.fds = {{terminal.slave.get(), 0}};
    Strings command{find_program("setsid"), "--ctty", "--wait"};
    const auto with = [&](const Strings& line) {
        command.insert(command.end(), line.begin(), line.end());
        return run_command(command, options);
    };
    if (is_exec) {
        Container container = box.sleeper();
        const Finished finished =
            with(box.command_line(box.exec_line(container, {"push", "evil"})));
        CHECK(finished.out == "pushed=0\n");
        end(container);
    } else {
        box.bundle.args({"push", "evil", "--", "tty"});
        box.bundle.write();
        const Finished finished =
            with(box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()}));
        CHECK(contains(finished.out, "pushed=0\n"));
        CHECK(contains(finished.out, "controlling=no\n"));
    }
}

// CRI-O: "+" and "=" in a sysctl's value made it two.
TEST_CASE("CVE-2022-0811: one sysctl is one sysctl", "[cve][hostile][sysctl][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    const auto [key, value] = GENERATE(
        table<std::string, std::string>({{"net.ipv4.ip_forward", "1+kernel.core_pattern=|/evil"},
                                         {"net.ipv4.ip_forward", "1\nkernel.core_pattern=|/evil"},
                                         {"net.ipv4.ip_forward=1+kernel.core_pattern", "|/evil"},
                                         {"net.ipv4.ip_forward\nkernel.core_pattern", "|/evil"},
                                         {"net.ipv4.../../kernel/core_pattern", "|/evil"},
                                         {"net/../kernel/core_pattern", "|/evil"},
                                         {"net/ipv4/../../kernel/core_pattern", "|/evil"}}));
    CAPTURE(key, value);
    box.bundle.linux()["sysctl"] = {{key, value}};
    Container container = box.try_create();
    CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
    if (container.created.code() == 0) {
        // The kernel reads a number up to the end of the line.
        CHECK(contains(value, "\n"));
        CHECK(box.exec(container, {"cat", "/proc/sys/net/ipv4/ip_forward"}).out == "1\n");
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    } else {
        CHECK(contains(container.err().wait_for_end(), "/linux/sysctl/"));
    }
    CHECK(box.leftovers() == Strings{});
}

// runc: the length of a part of the configuration had 16 bits, and what was behind them was taken
// for other parts, which could switch namespaces off.
TEST_CASE("CVE-2021-43784: parts of the configuration beyond 64 KiB arrive whole",
          "[cve][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::size_t size = GENERATE(65535U, 65536U, 65537U, 70000U, 131000U - 64U);
    const std::string text(size, 'x');
    SECTION("an argument, and one of the environment") {
        box.bundle.process()["env"] = {"LONG=" + text};
        box.bundle.args({"into", "/tmp/out", "--", "echo", text, "--", "env"});
        CHECK(box.life().code == 0);
        const std::string out = read_file(box.bundle.in_rootfs("tmp/out"));
        CHECK(contains(out, text));
        CHECK(has_line(out, "LONG=" + text));
    }
    SECTION("many of them") {
        Json env = Json::array();
        for (int i = 0; i < 10; ++i) env.push_back("V" + std::to_string(i) + "=" + text);
        box.bundle.process()["env"] = env;
        CHECK(box.life({"into", "/tmp/out", "--", "env"}).code == 0);
        const std::string out = read_file(box.bundle.in_rootfs("tmp/out"));
        for (const Json& entry : env) CHECK(has_line(out, entry.get<std::string>()));
    }
    SECTION("the path of a namespace") {
        box.bundle.remove_namespace("ipc");
        box.bundle.add_namespace("ipc", "/" + text);
        CHECK(contains(box.refusal(), "/linux/namespaces/"));
    }
    SECTION("the name of the host") {
        box.bundle.config["hostname"] = text;
        CHECK(contains(box.refusal(), "/hostname"));
    }
    SECTION("mappings") {
        box.bundle.add_namespace("user");
        Json mappings = Json::array();
        for (unsigned i = 0; i < size / 20; ++i) {
            mappings.push_back({{"containerID", i}, {"hostID", i}, {"size", 1}});
        }
        box.bundle.linux()["uidMappings"] = mappings;
        box.bundle.linux()["gidMappings"] = mappings;
        CHECK(contains(box.refusal(), "Mappings"));
    }
}

// The kernel: release_agent of cgroup version 1 is executed by the host's root.
TEST_CASE("CVE-2022-0492: no cgroup of the container can be given a release agent",
          "[cve][hostile][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout != CgroupLayout::kV2);
    Box box;
    box.bundle.process()["capabilities"] = default_capabilities();
    const bool in_user_namespace = GENERATE(false, true);
    if (in_user_namespace) {
        // A process with a user namespace of its own has CAP_SYS_ADMIN in it.
        box.bundle.add_namespace("user");
        const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
        box.bundle.linux()["uidMappings"] = mapping;
        box.bundle.linux()["gidMappings"] = mapping;
        box.bundle.process()["capabilities"] = {};
    }
    std::string controller = "memory";
    if (!has_controller(controller)) controller = "pids";
    const std::string agent = "/sys/fs/cgroup/" + controller + "/release_agent";
    const Outcome outcome = box.life({"write", agent, "/evil", "--", "mount", "/tmp", "cgroup",
                                      "--", "write", "/tmp/release_agent", "/evil"});
    CAPTURE(outcome.out, outcome.err);
    CHECK_FALSE(contains(outcome.out, agent + ": ok"));
    CHECK_FALSE(contains(outcome.out, "mount /tmp: ok"));
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        CHECK_FALSE(contains(read_file(hierarchy.mount_point / "release_agent"), "evil"));
    }
}

// runc: without a cgroup namespace an ordinary user's container could write to the user's cgroups.
TEST_CASE("CVE-2023-25809: a read-only cgroup mount is read-only", "[cve][hostile][cgroup]") {
    NEEDS(need_runtime());
    Box box;
    const bool has_namespace = GENERATE(true, false);
    const bool in_user_namespace = GENERATE(true, false);
    CAPTURE(has_namespace, in_user_namespace);
    if (!has_namespace) box.bundle.remove_namespace("cgroup");
    if (in_user_namespace) {
        box.bundle.add_namespace("user");
        const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
        box.bundle.linux()["uidMappings"] = mapping;
        box.bundle.linux()["gidMappings"] = mapping;
    }
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                          {"type", "cgroup"},
                          {"source", "cgroup"},
                          {"options", {"nosuid", "noexec", "nodev", "relatime", "ro"}}});
    const std::string directory =
        environment().layout == CgroupLayout::kV2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    const Outcome outcome =
        box.life({"mkdir", directory + "/evil", "--", "write", directory + "/cgroup.procs", "0",
                  "--", "write", directory + "/pids.max", "max"});
    CAPTURE(outcome.out, outcome.err);
    CHECK_FALSE(contains(outcome.out, ": ok"));
    CHECK(contains(outcome.out, "EROFS"));
}

// LXC: directories of its locks were made wherever a link led.
TEST_CASE("CVE-2015-1331: links where liblxc has its locks", "[cve][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Canary canary(box / "outside");
    // The tests have a /run of their own.
    const fs::path link = GENERATE(as<std::string>(), "/run/lxc", "/run/lock/lxc");
    fs::create_directories(link.parent_path());
    REQUIRE_FALSE(fs::exists(fs::symlink_status(link)));
    fs::create_directory_symlink(canary.path(), link);
    const Outcome outcome = box.life({"true"});
    fs::remove(link);
    CHECK(outcome.code == 0);
    CHECK(canary.changes() == Strings{});
}

// LXC: a procfs that the container had made up got the label of what joined it.
TEST_CASE("CVE-2015-1334: exec believes nothing that a false /proc says",
          "[cve][hostile][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Canary canary(box / "outside");
    box.bundle.remove_mount("/proc");
    box.bundle.linux().erase("maskedPaths");
    box.bundle.linux().erase("readonlyPaths");
    const fs::path proc = box.bundle.in_rootfs("proc");
    for (const char* name :
         {"self/attr/apparmor", "self/ns", "self/fd", "thread-self/attr", "1/ns", "sys/kernel"}) {
        fs::create_directories(proc / name);
    }
    for (const char* name : {"self/attr/exec", "self/attr/apparmor/exec", "thread-self/attr/exec",
                             "self/oom_score_adj", "self/uid_map", "sys/kernel/cap_last_cap"}) {
        write_file(proc / name, "image");
    }
    fs::create_symlink(canary.path() / "file", proc / "self/fd/3");
    fs::create_symlink(canary.path() / "file", proc / "self/exe");
    box.bundle.process()["capabilities"] = Json::parse(
        R"({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]})");
    Container container = box.sleeper();
    const Finished finished = box.exec(container, {"ids", "--", "caps"});
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, "uid=0,0,0\n"));
    CHECK(value_of(finished.out, "bounding") == "0000000000000020");
    CHECK(value_of(finished.out, "effective") == "0000000000000020");
    end(container);
    for (const char* name : {"self/attr/exec", "self/attr/apparmor/exec", "thread-self/attr/exec",
                             "self/oom_score_adj", "self/uid_map", "sys/kernel/cap_last_cap"}) {
        CHECK(read_file(proc / name) == "image");
    }
    CHECK(canary.changes() == Strings{});
}

// crun: /dev/null of the image, a link to a file of the host, became the standard streams, and the
// file got another owner.
TEST_CASE("CVE-2026-88265: /dev/null of the image is nobody's stdin",
          "[cve][hostile][descriptors][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Canary canary(box / "outside");
    for (const char* name : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) {
        box.bundle.remove_mount(name);
    }
    // A /dev that the bundle brings itself: nothing is made in it.
    fs::create_directories(box / "dev");
    fs::create_symlink(
        GENERATE(true, false) ? canary.path() / "file" : fs::path("../../../outside/file"),
        box / "dev/null");
    box.bundle.add_mount({{"destination", "/dev"},
                          {"type", "bind"},
                          {"source", box / "dev"},
                          {"options", {"bind"}}});
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.args({"into", "/tmp/out", "--", "fdstat", "--", "sleep"});
    fs::permissions(box.bundle.in_rootfs("tmp"), fs::perms::all);
    CreateOptions options;
    const bool closed = GENERATE(true, false);
    if (closed) options.command.fds = {{-1, 0}, {-1, 1}, {-1, 2}};
    Container container = box.try_create(options);
    CAPTURE(closed, container.created.code());
    if (container.created.code() == 0) {
        container.start();
        (void)box.exec(container, {"fdstat"});
        end(container);
    }
    CHECK(canary.changes() == Strings{});
    CHECK(box.leftovers() == Strings{});
}

// crun: /dev/console was made through a link, as a file of the host's root.
TEST_CASE("CVE-2026-88264: a dangling link at /dev/console", "[cve][hostile][terminal][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Canary canary(box / "outside");
    for (const char* name : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) {
        box.bundle.remove_mount(name);
    }
    box.bundle.add_mount({{"destination", "/dev/pts"},
                          {"type", "devpts"},
                          {"source", "devpts"},
                          {"options", {"newinstance", "ptmxmode=0666", "mode=0620"}}});
    const fs::path console = box.bundle.in_rootfs("dev/console");
    fs::create_directories(console.parent_path());
    fs::create_symlink(
        GENERATE(true, false) ? canary.path() / "made" : fs::path("../../../outside/made"),
        console);
    box.bundle.config["root"]["readonly"] = GENERATE(true, false);
    box.bundle.process()["terminal"] = true;
    ReceivingSocket socket(box / "console.sock");
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    Container container = box.try_create(options);
    CHECK(container.created.code() == 1);
    CHECK(canary.changes() == Strings{});
    CHECK(fs::is_symlink(console));
    CHECK(box.leftovers() == Strings{});
}

// containerd: a huge file of the image was read whole to look a user up.
TEST_CASE("CVE-2026-47262: files of the image that are huge or have no end",
          "[cve][hostile][user][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["env"] = {"PATH=/"};
    const fs::path passwd = box.bundle.in_rootfs("etc/passwd");
    const std::string kind = GENERATE(as<std::string>(), "lines", "one line", "sparse", "fifo");
    CAPTURE(kind);
    std::string expected = "HOME=/";
    const std::string own = "me:x:0:0::/root:/bin/sh\n";
    if (kind == "lines") {
        // It is found behind sixteen million lines: read in pieces, not kept.
        write_file(passwd, std::string((15U << 20U), '\n') + own);
        expected = "HOME=/root";
    }
    if (kind == "one line") write_file(passwd, std::string(1U << 20U, ':') + "\n" + own);
    if (kind == "sparse") {
        write_file(passwd, "");
        fs::resize_file(passwd, std::uintmax_t{1} << 40U);
    }
    if (kind == "fifo") REQUIRE(::mkfifo(passwd.c_str(), 0644) == 0);
    // What reads the file counts as the container's.
    if (has_controller("memory")) {
        box.bundle.linux()["resources"]["memory"]["limit"] = 32 << 20;
    }
    const Outcome outcome = box.life({"env"});
    CHECK(outcome.code == 0);
    CHECK(has_line(outcome.out, expected));
}

// NVIDIA's toolkit: a hook ran with LD_PRELOAD of the image's environment, outside of it.
TEST_CASE("CVE-2025-23266: hooks of the host get nothing of the container's environment",
          "[cve][hostile][hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["env"] = {"PATH=/", "LD_PRELOAD=/evil.so", "STOLEN=1"};
    write_file(box / "hook", "#!/bin/sh\nset >> " + (box / "seen").string() + "\n", 0755);
    for (const char* kind :
         {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
        box.bundle.config["hooks"][kind] = {{{"path", box / "hook"}}};
    }
    write_file(box / "seen", "", 0666);
    const Outcome outcome = box.life({"true"});
    CHECK(outcome.code == 0);
    const std::string seen = read_file(box / "seen");
    CHECK(contains(seen, "IFS="));  // it has run, and this is what a shell has without more
    CHECK_FALSE(contains(seen, "LD_PRELOAD"));
    CHECK_FALSE(contains(seen, "STOLEN"));
}

// LXC: lxc-user-nic, which every user may execute as root, told whether files exist, and more.
TEST_CASE("CVE-2022-47952: no program of the runtime has more rights than its caller",
          "[cve][lxcri]") {
    NEEDS(need_runtime());
    const fs::path prefix = environment().runtime.parent_path().parent_path();
    int programs = 0;
    for (const auto& entry : fs::recursive_directory_iterator(prefix)) {
        struct stat status {};
        REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
        if (!S_ISREG(status.st_mode) || (status.st_mode & 0111U) == 0) continue;
        ++programs;
        CAPTURE(entry.path());
        CHECK((status.st_mode & (S_ISUID | S_ISGID)) == 0U);
        CHECK((status.st_mode & 0022U) == 0U);
    }
    CHECK(programs >= 6);
}
