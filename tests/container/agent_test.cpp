// lxcri-agent: carries out system calls of containers, as far as annotation and administrator
// agree; nothing that a container says or does meanwhile leads it elsewhere.
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "agent.h"
#include "support/canary.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("agent: mknod of a harmless device works, of the caller's, with its umask",
          "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    const auto outcome = box.agent_life(
        {"umask",       "027",   "--",          "mknod-open", "/tmp/null", "c", "1",  "3",
         "--",          "mknod", "/tmp/random", "c",          "1",         "8", "--", "chdir",
         "/tmp",        "--",    "mknod",       "relative",   "c",         "1", "5",  "--",
         "mknod-below", "/tmp",  "below",       "c",          "1",         "9"});
    CHECK(outcome.out ==
          "mknod-open /tmp/null: ok\nmknod /tmp/random: ok\nchdir /tmp: ok\nmknod relative: ok\n"
          "mknod-below /tmp: ok\n");
    const struct stat null = box.status_of("tmp/null");
    CHECK(S_ISCHR(null.st_mode));
    CHECK(null.st_rdev == makedev(1, 3));
    CHECK(null.st_uid == kFirst);
    CHECK(null.st_gid == kFirst);
    CHECK((box.status_of("tmp/random").st_mode & 0777U) == 0640);
    CHECK(box.status_of("tmp/relative").st_rdev == makedev(1, 5));
    CHECK(box.status_of("tmp/below").st_rdev == makedev(1, 9));
    box.kill_agent();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("agent: mknod of any other device is refused, other types are not looked at",
          "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    CHECK(box.agent_life({"mknod", "/tmp/disk", "b", "8", "0",  "--",
                          "mknod", "/tmp/mem",  "c", "1", "1",  "--",
                          "mknod", "/tmp/kmsg", "c", "1", "11", "--",
                          "mknod", "/tmp/loop", "b", "1", "3",  "--",
                          "mknod", "/tmp/fifo", "p", "0", "0"})
              .out ==
          "mknod /tmp/disk: EPERM\nmknod /tmp/mem: EPERM\nmknod /tmp/kmsg: EPERM\n"
          "mknod /tmp/loop: EPERM\nmknod /tmp/fifo: ok\n");
    CHECK(names_in(box.bundle.in_rootfs("tmp")) == Strings{"fifo"});
}

TEST_CASE("agent: a whiteout of overlayfs", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    CHECK(box.agent_life({"mknod", "/tmp/gone", "c", "0", "0"}).out == "mknod /tmp/gone: ok\n");
    CHECK(box.status_of("tmp/gone").st_rdev == 0);
}

TEST_CASE("agent: errors are those of the kernel", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    write_file(box.bundle.in_rootfs("tmp/file"), "");
    CHECK(box.agent_life({"mknod",
                          "/tmp/file",
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod",
                          "/no/where",
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod",
                          "/tmp/file/x",
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod",
                          "",
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod",
                          "/tmp/new/",
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod",
                          "/proc/x",
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod",
                          std::string("/tmp/") + std::string(300, 'x'),
                          "c",
                          "1",
                          "3",
                          "--",
                          "mknod-at-null"})
              .out ==
          "mknod /tmp/file: EEXIST\nmknod /no/where: ENOENT\nmknod /tmp/file/x: ENOTDIR\n"
          "mknod : ENOENT\nmknod /tmp/new/: ENOENT\nmknod /proc/x: EACCES\nmknod /tmp/" +
              std::string(300, 'x') + ": ENAMETOOLONG\nmknod-at-null : EFAULT\n");
}

TEST_CASE("agent: a user of the container without the capability gets nothing", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    SECTION("another user") {
        box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    }
    SECTION("root without CAP_MKNOD") {
        for (const char* set : {"bounding", "effective", "permitted"}) {
            box.bundle.process()["capabilities"][set] = Json::array({"CAP_CHOWN"});
        }
    }
    CHECK(box.agent_life({"mknod", "/tmp/null", "c", "1", "3"}).out == "mknod /tmp/null: EPERM\n");
}

TEST_CASE("agent: permissions of directories are those that the caller has", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    // One of the host's root, which the container does not map; one of another user inside.
    fs::create_directory(box.bundle.in_rootfs("hosts"));
    fs::create_directory(box.bundle.in_rootfs("others"));
    REQUIRE(chown(box.bundle.in_rootfs("others").c_str(), kFirst + 1000, kFirst + 1000) == 0);
    REQUIRE(chmod(box.bundle.in_rootfs("others").c_str(), 0700) == 0);
    CHECK(box.agent_life({"mknod", "/hosts/null", "c", "1", "3", "--", "mknod", "/others/null", "c",
                          "1", "3"})
              .out == "mknod /hosts/null: EACCES\nmknod /others/null: ok\n");
    CHECK(box.status_of("others/null").st_uid == kFirst);
}

TEST_CASE("agent: signals do not make a call happen twice", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    CHECK(box.agent_life({"mknod-interrupted", "50", "/tmp/null"}).out == "successes=50\n");
}

TEST_CASE("agent: links and dots do not leave the container's root", "[agent][hostile][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    const fs::path outside = box / "outside";
    fs::create_directory(outside);
    REQUIRE(chmod(outside.c_str(), 0777) == 0);
    fs::create_symlink(outside, box.bundle.in_rootfs("tmp/absolute"));
    fs::create_symlink("../../../../../../../../" + outside.string(),
                       box.bundle.in_rootfs("tmp/relative"));
    fs::create_symlink("/proc/1/root/tmp", box.bundle.in_rootfs("tmp/magic"));
    const auto outcome = box.agent_life({"mknod", "/tmp/absolute/null",
                                         "c",     "1",
                                         "3",     "--",
                                         "mknod", "/tmp/relative/null",
                                         "c",     "1",
                                         "3",     "--",
                                         "mknod", "../../../.." + outside.string() + "/null",
                                         "c",     "1",
                                         "3",     "--",
                                         "mknod", "/tmp/magic/null",
                                         "c",     "1",
                                         "3",     "--",
                                         "mknod", "/../null",
                                         "c",     "1",
                                         "3"});
    CHECK(outcome.out ==
          "mknod /tmp/absolute/null: ENOENT\nmknod /tmp/relative/null: ENOENT\n"
          "mknod ../../../.." +
              outside.string() +
              "/null: ENOENT\nmknod /tmp/magic/null: ELOOP\n"
              "mknod /../null: ok\n");
    CHECK(names_in(outside).empty());
    CHECK(box.status_of("null").st_rdev == makedev(1, 3));
}

TEST_CASE("agent: arguments that change meanwhile are those that were checked",
          "[agent][hostile][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    write_file(box.bundle.in_rootfs("tmp/file"), "");
    box.give_rootfs();
    const auto outcome = box.agent_life(
        {"setxattr-race", "300", "trusted.overlay.opaque", "trusted.overlaysopaque", "/tmp/file",
         "--", "setxattr-race", "300", "trusted.overlay.opaque", "trusted.overlay.redire",
         "/tmp/file", "--", "mknod-race", "300", "/tmp/a/null", "/../../null"});
    CAPTURE(outcome.out);
    CHECK(contains(outcome.out, "successes="));
    CHECK_FALSE(contains(outcome.out, "successes=0\nsuccesses=0"));
    CHECK(box.attribute("tmp/file", "trusted.overlay.opaque") == "y");
    CHECK(box.attribute("tmp/file", "trusted.overlaysopaque").empty());
    CHECK_FALSE(fs::exists(box / "null"));
    CHECK_FALSE(fs::exists(box.bundle.path() / "null"));
}

TEST_CASE("agent: trusted.overlay of the container's own files", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    for (const char* name : {"tmp/file", "tmp/other", "tmp/third", "tmp/hosts"}) {
        write_file(box.bundle.in_rootfs(name), "");
    }
    box.give_rootfs();
    fs::create_symlink("other", box.bundle.in_rootfs("tmp/link"));
    REQUIRE(chown(box.bundle.in_rootfs("tmp/hosts").c_str(), 0, 0) == 0);
    CHECK(box.agent_life({"setxattr",
                          "/tmp/file",
                          "trusted.overlay.opaque",
                          "y",
                          "--",
                          "setxattr",
                          "/tmp/link",
                          "trusted.overlay.opaque",
                          "y",
                          "--",
                          "fsetxattr",
                          "/tmp/third",
                          "trusted.overlay.impure",
                          "y",
                          "--",
                          "lsetxattr",
                          "/tmp/link",
                          "trusted.overlay.opaque",
                          "y",
                          "--",
                          "setxattr",
                          "/tmp/hosts",
                          "trusted.overlay.opaque",
                          "y",
                          "--",
                          "setxattr",
                          "/tmp/file",
                          "trusted.overlay.redirect",
                          "/x",
                          "--",
                          "setxattr",
                          "/tmp/file",
                          "trusted.other",
                          "y"})
              .out ==
          "setxattr /tmp/file: ok\nsetxattr /tmp/link: ok\nfsetxattr /tmp/third: ok\n"
          "lsetxattr /tmp/link: EPERM\nsetxattr /tmp/hosts: EPERM\nsetxattr /tmp/file: EPERM\n"
          "setxattr /tmp/file: EPERM\n");
    CHECK(box.attribute("tmp/file", "trusted.overlay.opaque") == "y");
    CHECK(box.attribute("tmp/other", "trusted.overlay.opaque") == "y");
    CHECK(box.attribute("tmp/third", "trusted.overlay.impure") == "y");
    CHECK(box.attribute("tmp/hosts", "trusted.overlay.opaque").empty());
}

TEST_CASE("agent: file capabilities are the container's, not the host's", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    write_file(box.bundle.in_rootfs("tmp/program"), "");
    box.give_rootfs();
    CHECK(box.agent_life({"setcap", "/tmp/program"}).out == "setcap /tmp/program: ok\n");
    const std::string value = box.attribute("tmp/program", "security.capability");
    REQUIRE(value.size() == sizeof(vfs_ns_cap_data));
    vfs_ns_cap_data data{};
    std::memcpy(&data, value.data(), sizeof data);
    CHECK(data.rootid == kFirst);
}

TEST_CASE("agent: sysinfo shows the container's memory, processes and time", "[agent][lxcri]") {
    NEEDS(need_agent());
    APPLIES(has_controller("memory"));
    AgentBox box;
    box.bundle.linux()["resources"]["memory"]["limit"] = 64 << 20;
    const auto outcome = box.agent_life({"sysinfo"});
    CHECK(value_of(outcome.out, "total") == std::to_string(64 << 20));
    CHECK(std::stoull(value_of(outcome.out, "free")) < (64U << 20U));
    CHECK(std::stoull(value_of(outcome.out, "free")) > (32U << 20U));
    CHECK(std::stoul(value_of(outcome.out, "procs")) < 10);
    CHECK(std::stol(value_of(outcome.out, "uptime")) < 20);
}

TEST_CASE("agent: a real-time priority up to the administrator's", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    // Version 1 of cgroups gives a new one no time for such processes.
    if (environment().layout != CgroupLayout::kV2) {
        box.bundle.linux()["resources"]["cpu"] = {{"realtimeRuntime", 1000},
                                                  {"realtimePeriod", 1000000}};
    }
    const auto outcome = box.agent_life(
        {"set-scheduler", "1", "21", "0",    "--", "set-scheduler", "3", "0",  "0", "--",
         "set-scheduler", "2", "5",  "4711", "--", "set-scheduler", "1", "20", "0", "--",
         "scheduling"});
    CHECK(outcome.out.starts_with(
        "set-scheduler 1: EPERM\nset-scheduler 3: ok\nset-scheduler 2: ESRCH\n"
        "set-scheduler 1: ok\npolicy=1\nnice=0\npriority=20\n"));
}

TEST_CASE("agent: no thread that is not the container's gets a real-time priority",
          "[agent][hostile][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    if (environment().layout != CgroupLayout::kV2) {
        box.bundle.linux()["resources"]["cpu"] = {{"realtimeRuntime", 1000},
                                                  {"realtimePeriod", 1000000}};
    }
    box.start_agent();
    Container container = box.sleeper(box.options());
    // One that an administrator has moved into the pid namespace alone.
    Process host({"/usr/bin/nsenter", "--pid=/proc/" + std::to_string(container.pid()) + "/ns/pid",
                  "/bin/sh", "-c", "echo pid $$; exec sleep 1000"});
    host.out().wait_for("\n");
    const std::string pid = lines_of(host.out().text()).at(0).substr(4);
    CHECK(box.exec(container,
                   {"set-scheduler", "1", "20", pid, "--", "set-scheduler", "1", "20", "1"})
              .out == "set-scheduler 1: EPERM\nset-scheduler 1: ok\n");
    container.kill();
    container.wait();
    (void)host.wait();  // it has died with the pid namespace
    container.remove();
}

namespace {

// An image of ext4 with one file, on a loop device that the container has as /dev/disk.
struct DiskBox : AgentBox {
    DiskBox() {
        allow(R"({"calls": ["mount"], "filesystems": [{"type": "ext4", "options": ["discard"]}]})");
        ask("mount");
        fs::create_directory(*this / "content");
        write_file(*this / "content/file", "on the disk\n");
        REQUIRE(run_command({find_program("mkfs.ext4"), "-q", "-d", *this / "content",
                             *this / "image", "4M"})
                    .code() == 0);
        const auto finished =
            run_command({find_program("losetup"), "--find", "--show", *this / "image"});
        REQUIRE(finished.code() == 0);
        loop = finished.out.substr(0, finished.out.find('\n'));
        struct stat status {};
        REQUIRE(stat(loop.c_str(), &status) == 0);
        number = minor(status.st_rdev);
        bundle.linux()["devices"] = Json::array({{{"path", "/dev/disk"},
                                                  {"type", "b"},
                                                  {"major", 7},
                                                  {"minor", number},
                                                  {"fileMode", 0600},
                                                  {"uid", 0},
                                                  {"gid", 0}}});
        set_rules(true);
    }
    ~DiskBox() { (void)run_command({find_program("losetup"), "--detach", loop}); }
    DiskBox(const DiskBox&) = delete;
    DiskBox& operator=(const DiskBox&) = delete;

    void set_rules(bool allow_disk) {
        Json rules = Json::array({{{"allow", false}, {"access", "rwm"}}});
        if (allow_disk) {
            rules.push_back({{"allow", true},
                             {"type", "b"},
                             {"major", 7},
                             {"minor", number},
                             {"access", "rwm"}});
        }
        bundle.linux()["resources"]["devices"] = rules;
    }

    std::string loop;
    unsigned number = 0;
};

std::optional<std::string> need_disk() {
    if (auto missing = need_agent()) return missing;
    if (auto missing = need_program("losetup")) return missing;
    return need_program("mkfs.ext4");
}

}  // namespace

TEST_CASE("agent: mounts a file system that the administrator names", "[agent][lxcri]") {
    NEEDS(need_disk());
    DiskBox box;
    const auto outcome = box.agent_life(
        {"mount-device", "/dev/disk", "/tmp", "ext4", "discard", "--", "cat", "/tmp/file", "--",
         "stat", "/tmp/file", "--", "mountinfo", "--", "remount", "/tmp", "--", "umount", "/tmp"});
    CHECK(contains(outcome.out, "mount-device /dev/disk: ok\non the disk\n"));
    // The IDs of the disk are those of the container.
    CHECK_FALSE(contains(outcome.out, "65534"));
    bool found = false;
    for (const std::string& line : lines_of(outcome.out)) {
        if (!contains(line, " - ext4 /") || !contains(line, " /tmp ")) continue;
        CHECK(contains(line, "nosuid"));
        CHECK(contains(line, "nodev"));
        found = true;
    }
    CHECK(found);
    // Else root of the container could open the devices that it has written to the disk.
    CHECK(contains(outcome.out, "remount /tmp: EPERM"));
    CHECK(contains(outcome.out, "umount /tmp: ok"));
}

TEST_CASE("agent: a mount that the administrator or a device rule forbids is refused",
          "[agent][lxcri]") {
    NEEDS(need_disk());
    DiskBox box;
    SECTION("another type") {
        box.allow(R"({"calls": ["mount"], "filesystems": [{"type": "xfs"}]})");
        CHECK(box.agent_life({"mount-device", "/dev/disk", "/tmp", "ext4"}).out ==
              "mount-device /dev/disk: EPERM\n");
    }
    SECTION("an option") {
        CHECK(box.agent_life({"mount-device", "/dev/disk", "/tmp", "ext4", "errors=panic"}).out ==
              "mount-device /dev/disk: EPERM\n");
    }
    SECTION("a device") {
        box.set_rules(false);
        CHECK(box.agent_life({"mount-device", "/dev/disk", "/tmp", "ext4"}).out ==
              "mount-device /dev/disk: EPERM\n");
    }
    SECTION("no device") {
        CHECK(box.agent_life({"mount-device", "/probe", "/tmp", "ext4", "", "--", "mount-device",
                              "/dev/zero", "/tmp", "ext4", "", "--", "mount-device", "none", "/tmp",
                              "tmpfs"})
                  .out ==
              "mount-device /probe: ENOTBLK\nmount-device /dev/zero: ENOTBLK\n"
              "mount-device none: ok\n");
    }
}

TEST_CASE("agent: a call is off unless annotation and administrator agree", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    const Strings arguments = {"mknod", "/tmp/null", "c", "1", "3"};
    SECTION("the administrator does not allow it") {
        box.allow(R"({"calls": ["sysinfo"]})");
        CHECK(box.agent_life(arguments).out == "mknod /tmp/null: EPERM\n");
    }
    SECTION("the container does not ask for it") {
        box.ask("sysinfo");
        CHECK(box.agent_life(arguments).out == "mknod /tmp/null: EPERM\n");
    }
    SECTION("the file has another owner, or others may write it") {
        box.start_agent();
        REQUIRE(chmod((box / "agent.json").c_str(), 0666) == 0);
        CHECK(box.agent_life(arguments).out == "mknod /tmp/null: EPERM\n");
        box.agent->signal(SIGTERM);
        CHECK(contains(box.agent->wait().err, "must belong to root"));
    }
    SECTION("there is no file") {
        fs::remove(box / "agent.json");
        CHECK(box.agent_life(arguments).out == "mknod /tmp/null: EPERM\n");
    }
}

TEST_CASE("agent: exec into the container is served, too", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    box.start_agent();
    Container container = box.sleeper(box.options());
    CHECK(box.exec(container, {"mknod-open", "/tmp/null", "c", "1", "3"}).out ==
          "mknod-open /tmp/null: ok\n");
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("agent: without one create fails and says so", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    CHECK(contains(box.refusal(box.options()), "agent.sock"));
    CHECK(box.leftovers() == Strings{});
}

namespace {

// A container that makes /tmp/n0, /tmp/n1 and so on, one with each signal.
struct DyingBox : AgentBox {
    DyingBox() {
        start_agent();
        bundle.args({"mknod-on-usr1", "/tmp/n"});
        container.emplace(create(options()));
        container->start();
        container->out().wait_for("ready\n");
        (void)manager.receive();  // FDSTORE
        call();
        container->out().wait_for("/tmp/n0: ok\n");
    }
    ~DyingBox() {
        container->kill();
        container->wait();
        container->remove();
    }
    DyingBox(const DyingBox&) = delete;
    DyingBox& operator=(const DyingBox&) = delete;

    void call() const { REQUIRE(::kill(container->pid(), SIGUSR1) == 0); }
    // The kernel's end of the only container's filter.
    int listener() const {
        for (const auto& fd : manager.kept.begin()->second) {
            std::uint64_t id = 0;
            if (ioctl(fd.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0 || errno == ENOENT) {
                return fd.get();
            }
        }
        return -1;
    }
    std::optional<Container> container;
};

}  // namespace

TEST_CASE("agent: when it dies calls fail, and the container lives on", "[agent][lxcri]") {
    NEEDS(need_agent());
    DyingBox box;
    box.manager.kept.clear();
    box.agent->signal(SIGSTOP);
    box.call();  // waits while it dies
    box.kill_agent();
    box.container->out().wait_for("/tmp/n1: ENOSYS\n");
    box.call();
    box.container->out().wait_for("/tmp/n2: ENOSYS\n");
    CHECK(box.container->status() == "running");
    // A new one serves those that come.
    box.start_agent();
    CHECK(box.exec(*box.container, {"mknod", "/tmp/new", "c", "1", "3"}).out ==
          "mknod /tmp/new: ok\n");
}

TEST_CASE("agent: a new one takes over what the service manager has kept", "[agent][lxcri]") {
    NEEDS(need_agent());
    DyingBox box;
    REQUIRE(box.manager.kept.size() == 1);
    box.agent->signal(SIGSTOP);
    box.call();
    SECTION("a call that it has not taken yet") {
        box.kill_agent();
        box.start_agent();
        box.container->out().wait_for("/tmp/n1: ok\n");
    }
    SECTION("a call that it has taken and not answered") {
        // Taken by the test instead: the agent would have died in the same moment.
        seccomp_notif call{};
        REQUIRE(ioctl(box.listener(), SECCOMP_IOCTL_NOTIF_RECV, &call) == 0);
        box.kill_agent();
        box.start_agent();
        box.container->out().wait_for("/tmp/n1: EPERM\n");
    }
    box.call();
    box.container->out().wait_for("/tmp/n2: ok\n");
}

TEST_CASE("agent: what it keeps goes with the container", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    box.start_agent();
    box.bundle.args({"sleep"});
    Container container = box.create(box.options());
    container.start();
    // Not before: of a container that has ended already it keeps nothing.
    CHECK(box.manager.receive().starts_with("FDSTORE=1\nFDNAME=call-"));
    CHECK(box.manager.kept.size() == 1);
    container.kill();
    container.wait();
    container.remove();
    CHECK(box.manager.receive().starts_with("FDSTOREREMOVE=1\nFDNAME=call-"));
    CHECK(box.manager.kept.empty());
}

TEST_CASE("agent: a flood from one container does not stop another one",
          "[agent][hostile][lxcri]") {
    NEEDS(need_agent());
    AgentBox flooding;
    flooding.start_agent();
    AgentBox other;
    flooding.bundle.args({"mknod-flood", "100", "/tmp", "--", "sleep"});
    Container container = flooding.create(flooding.options());
    container.start();
    container.out().wait_for("flooding\n");
    CreateOptions options;
    options.global = {"--agent-socket", flooding.socket()};
    const auto begin = std::chrono::steady_clock::now();
    CHECK(other.life({"mknod", "/tmp/null", "c", "1", "3"}, options).out ==
          "mknod /tmp/null: ok\n");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    container.kill();
    container.wait();
    container.remove();
    flooding.kill_agent();
    CHECK(flooding.leftovers() == Strings{});
}

TEST_CASE("agent: a container cannot fill the log", "[agent][hostile][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    box.ask("mount");
    box.allow(R"({"calls": ["mount"], "filesystems": [{"type": "ext4"}]})");
    // Without the cgroups it does not know the device rules of a container, which it tells.
    box.start_agent(
        "[ -n \"$again\" ] || again=1 exec unshare --mount /bin/sh -c '"
        "umount --recursive --lazy /sys/fs/cgroup; exec \"$@\"' sh \"$0\" \"$@\";");
    Strings calls;
    for (int i = 0; i < 20; ++i) {
        for (const char* word : {"--", "mount-device", "/dev/null", "/tmp", "ext4", ""}) {
            calls.emplace_back(word);
        }
    }
    calls.erase(calls.begin());
    const auto outcome = box.agent_life(calls);
    CAPTURE(outcome.out, outcome.err);
    CHECK(contains(outcome.out, "EPERM"));
    box.kill_agent();
    const std::string log = box.agent->err().text();
    box.agent->err().take();
    CAPTURE(log);
    const auto first = log.find("a hierarchy of cgroups is not mounted");
    REQUIRE(first != std::string::npos);
    CHECK(log.find("a hierarchy of cgroups is not mounted", first + 1) == std::string::npos);
}

TEST_CASE("agent: serves other runtimes", "[agent][lxcri]") {
    NEEDS(need_agent());
    const auto runtime = GENERATE(as<std::string>(), "crun", "runc");
    NEEDS(need_program(runtime));
    CAPTURE(runtime);
    // crun 1.8.1 does not know hybrid hosts, and with version 2 wants more locked memory.
    APPLIES(runtime != "crun" || environment().layout == CgroupLayout::kV1);
    AgentBox box;
    box.start_agent();
    Json rules = Json::array();
    for (const char* name : {"mknod", "mknodat"}) {
        rules.push_back({{"names", {name}}, {"action", "SCMP_ACT_NOTIFY"}});
    }
    box.bundle.linux()["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                     {"listenerPath", box.socket()},
                                     {"listenerMetadata", "for another agent"},
                                     {"syscalls", rules}};
    box.bundle
        .args({"mknod-open", "/tmp/null", "c", "1", "3", "--", "mknod", "/tmp/disk", "b", "8", "0"})
        .write();
    const std::string id = box.new_id();
    CommandOptions options;
    options.input = "";  // crun gives its stdin to the container's user, even the host's /dev/null
    const auto finished = run_command({find_program(runtime), "--root", box / "other-root", "run",
                                       "--bundle", box.bundle.path(), id},
                                      options);
    CAPTURE(finished.err);
    CAPTURE(box.agent->err().text(), finished.code());
    box.agent->err().take();
    CHECK(finished.out == "mknod-open /tmp/null: ok\nmknod /tmp/disk: EPERM\n");
}

TEST_CASE("agent: refuses documents that are none, and others' descriptors", "[agent][lxcri]") {
    NEEDS(need_agent());
    AgentBox box;
    box.start_agent();
    const auto say = [&](const std::string& text) {
        const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, box.socket().c_str());
        REQUIRE(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(write(socket.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    };
    say("{}");
    box.agent->err().wait_for("/fds");
    say("\x1b[31m}");
    box.agent->err().wait_for("a runtime: ");
    say(R"({"fds": ["seccompFd"], "pid": 1, "state": {"id": "\u001b[31m"}})");
    box.agent->err().wait_for("expected a descriptor");
    CHECK(box.agent->err().text().find('\x1b') == std::string::npos);
    CHECK(box.agent_life({"mknod", "/tmp/null", "c", "1", "3"}).out == "mknod /tmp/null: ok\n");
}
