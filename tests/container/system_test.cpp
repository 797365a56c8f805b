// System containers with the real programs: Debian's systemd, Podman, and lxcri itself inside
// (docs/system-containers.md). `./dev test system` makes the root filesystem and runs these.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "support/catch.h"
#include "support/environment.h"
#include "support/podman.h"
#include "support/runtime.h"
#include "system.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("system: Debian's systemd boots, and everything of it works", "[.system][slow]") {
    NEEDS(need_system_root());
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    Container container = box.boot();
    CHECK(box.sh(container, "systemctl --failed --no-legend").out.empty());
    CHECK(contains(box.sh(container, "journalctl -b --no-pager").out, "Reached target"));
    CHECK(box.sh(container, "systemd-detect-virt").out == "container-other\n");
    // A service with a sandbox of its own, and its exit status.
    CHECK(box.sh(container,
                 "systemd-run --quiet --wait --pipe -p PrivateTmp=yes -p ProtectSystem=strict"
                 " -p DynamicUser=yes id -u")
              .out.starts_with("6"));
    CHECK(box.sh(container, "systemd-run --quiet --wait false").code() == 1);
    CHECK(box.sh(container, "systemd-run --quiet --pty tty").out == "/dev/pts/0\r\n");
    // A timer.
    CHECK(box.sh(container,
                 "systemd-run --quiet --on-active=0.1 --timer-property=AccuracySec=10ms"
                 " touch /run/rang; until test -e /run/rang; do sleep 0.05; done")
              .code() == 0);
    // A login: PAM, logind, a cgroup and a manager of the user's own.
    CHECK(box.sh(container, "useradd -m guest").code() == 0);
    const Finished login = box.sh(
        container,
        "systemd-run --quiet --wait --pipe --uid=guest -p PAMName=login sh -c"
        " 'loginctl --no-legend list-sessions; cat /proc/self/cgroup; systemctl --user is-active"
        " basic.target'");
    INFO(login.out << login.err);
    CHECK(contains(login.out, "guest"));
    CHECK(contains(login.out, "/user.slice/user-"));
    CHECK(contains(login.out, "active\n"));
    box.end(container);
}

TEST_CASE("system: it shuts down with status 0", "[.system][slow]") {
    NEEDS(need_system_root());
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    Container container = box.boot();
    const bool inside = GENERATE(true, false);
    CAPTURE(inside);
    if (inside) {
        CHECK(box.sh(container, "systemctl poweroff").code() == 0);
    } else {
        container.kill("RTMIN+3");
    }
    CHECK(container.wait_code() == 0);
    container.remove();
    CHECK(box.remains() == Strings{});
}

TEST_CASE("system: what a container inside needs is there", "[.system][slow]") {
    NEEDS(need_system_root());
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    box.bundle.process()["args"] = {"/bin/sleep", "1000"};
    Container container = box.create(quietly());
    container.start();
    const auto ok = [&](const std::string& script) {
        const Finished finished = box.sh(container, script);
        INFO(script << ": " << finished.out << finished.err);
        CHECK(finished.code() == 0);
    };
    ok("mkdir /sys/fs/cgroup/inner && echo 0 >/sys/fs/cgroup/inner/cgroup.procs");
    ok("for d in /run /run/lock /tmp; do test $(stat -f -c %T $d) = tmpfs || exit 1; done");
    ok("grep -q container_uuid= /proc/1/environ");
    ok("exec 3<>/dev/fuse 4<>/dev/net/tun");
    ok("echo 1 >/proc/sys/net/ipv4/ip_forward");
    ok("unshare -Urmpf --mount-proc ps 1");
    ok("unshare -Urnm sh -c 'mount -t sysfs x /sys && mount -t tmpfs x /mnt'");
    // Not the host's.
    CHECK(box.sh(container, "echo 1 >/proc/sys/kernel/panic").code() != 0);
    CHECK(box.sh(container, "echo b >/proc/sysrq-trigger").code() != 0);
    CHECK(box.sh(container, "mknod /tmp/m c 1 1").code() != 0);
    CHECK(box.sh(container, "cat /proc/kcore").code() != 0);
    CHECK(box.sh(container, "echo 1 >/sys/fs/cgroup/cgroup.freeze").code() != 0);
    box.end(container);
}

// --- runtimes inside -------------------------------------------------------------------------

namespace {

// Starts itself in a system container of its own, LEVEL times.
constexpr const char* kNest = R"(#!/bin/sh
level=$1
if [ "$level" = 0 ]; then
    mkdir /sys/fs/cgroup/deepest && echo "the deepest is pid $$"
    exit
fi
mkdir -p /run/bundle /run/root
mount --bind / /run/root
sed "s/LEVEL/$((level - 1))/" /opt/nest/config.json >/run/bundle/config.json
exec /opt/lxcri/bin/lxcri run --bundle /run/bundle nested </dev/null
)";

Json nested_config() {
    const auto mount = [](const char* destination, const char* type, Strings options = {}) {
        return Json{{"destination", destination},
                    {"type", type},
                    {"source", type == std::string("bind") ? destination : type},
                    {"options", std::move(options)}};
    };
    Json namespaces = Json::array();
    for (const char* type : {"pid", "network", "ipc", "uts", "mount", "user"}) {
        namespaces.push_back({{"type", type}});
    }
    const Json mapping = {{{"containerID", 0}, {"hostID", 0}, {"size", 65536}}};
    return {{"ociVersion", "1.0.2"},
            {"root", {{"path", "/run/root"}}},
            {"annotations", {{kAnnotation, "true"}}},
            {"process",
             {{"cwd", "/"},
              {"args", {"/opt/nest/nest", "LEVEL"}},
              {"env", {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}}},
            {"mounts",
             {mount("/proc", "proc"), mount("/dev", "tmpfs", {"mode=755"}),
              mount("/sys", "sysfs", {"ro"}), mount("/opt/lxcri", "bind", {"rbind"}),
              mount("/opt/nest", "bind", {"rbind"})}},
            {"linux",
             {{"namespaces", namespaces}, {"uidMappings", mapping}, {"gidMappings", mapping}}}};
}

// runc is Docker's own; with a bridge of its own.
constexpr const char* kDockerScript = R"(set -e
mkdir -p /etc/docker /run/image
echo '{"runtimes": {"lxcri": {"path": "/opt/lxcri/bin/lxcri"}}}' >/etc/docker/daemon.json
systemctl start docker
cd /run/image
cp /opt/busybox sh
printf 'FROM scratch\nCOPY sh /bin/sh\nCOPY sh /bin/sleep\nRUN ["/bin/sh", "-c", "echo built >/made"]\n' >Dockerfile
docker build --quiet --tag inner . >/dev/null
docker info --format '{{.Driver}}'
for runtime in runc lxcri; do
    docker run --runtime $runtime --rm inner /bin/sh -c 'read made </made; echo "$made, pid $$"'
    docker run --runtime $runtime --detach --name one inner /bin/sh -c \
        'trap "exit 3" TERM; while :; do sleep 1; done' >/dev/null
    docker exec one /bin/sh -c 'echo beside it'
    docker stop --time 20 one >/dev/null
    docker inspect --format '{{.State.ExitCode}}' one
    docker rm one >/dev/null
done
)";

}  // namespace

TEST_CASE("system: lxcri in lxcri in lxcri, below systemd", "[.system][slow]") {
    NEEDS(need_system_root());
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    fs::create_directory(box / "nest");
    write_file(box / "nest/nest", kNest, 0755);
    write_file(box / "nest/config.json", nested_config().dump());
    box.bind(box / "nest", "/opt/nest");
    box.bind_runtime();
    Container container = box.boot();
    const Finished finished = box.sh(container, "/opt/nest/nest 3");
    INFO(finished.err);
    CHECK(finished.out == "the deepest is pid 1\n");
    box.end(container);
}

TEST_CASE("system: Podman inside builds, runs and stops containers", "[.system][slow]") {
    NEEDS(need_system_root());
    NEEDS(need_program("busybox"));
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    check_engine_inside(box, {"/var/lib/containers"}, kPodmanScript, "overlay", 3);
}

TEST_CASE("system: Docker inside builds, runs and stops containers", "[.system][slow]") {
    NEEDS(need_system_root());
    NEEDS(need_program("busybox"));
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    check_engine_inside(box, {"/var/lib/docker", "/var/lib/containerd"}, kDockerScript, "overlay2",
                        2);
}

// --- a disk, mounted by a program --------------------------------------------------------------

namespace {

// An agent that lets the container mount ext4 by fuse2fs, and no other way.
class FuseAgent {
  public:
    explicit FuseAgent(const Box& box) : socket_(box / "agent.sock") {
        write_file(box / "agent.json",
                   R"({"calls": ["mount"], "filesystems": [{"type": "ext4", "fuse": "fuse2fs"}]})");
        agent_.emplace(Strings{runtime_folder(box) / "libexec/lxcri/lxcri-agent", "--socket",
                               socket_, "--config", box / "agent.json"});
        for (int i = 0; i < 200 && !fs::exists(socket_); ++i) let_time_pass(milliseconds(20));
    }
    FuseAgent(const FuseAgent&) = delete;
    FuseAgent& operator=(const FuseAgent&) = delete;
    ~FuseAgent() {
        agent_->signal(SIGTERM);
        agent_->err().take();
        (void)agent_->wait_exit_only();
    }
    CreateOptions options() const {
        CreateOptions options = quietly();
        options.global = {"--agent-socket", socket_};
        return options;
    }

  private:
    static fs::path runtime_folder(const Box& box) {
        return box.runtime().parent_path().parent_path();
    }
    fs::path socket_;
    std::optional<Process> agent_;
};

// A loop device with one file.
class Disk {
  public:
    explicit Disk(const Box& box) {
        fs::create_directory(box / "content");
        write_file(box / "content/file", "on the disk\n");
        REQUIRE(run_command(
                    {find_program("mkfs.ext4"), "-q", "-d", box / "content", box / "image", "4M"})
                    .code() == 0);
        const Finished finished =
            run_command({find_program("losetup"), "--find", "--show", box / "image"});
        REQUIRE(finished.code() == 0);
        path_ = lines_of(finished.out).at(0);
    }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    ~Disk() { (void)run_command({find_program("losetup"), "--detach", path_}); }

    void give_to(Bundle& bundle) const {
        struct stat status {};
        REQUIRE(stat(path_.c_str(), &status) == 0);
        bundle.linux()["devices"].push_back({{"path", "/dev/disk"},
                                             {"type", "b"},
                                             {"major", major(status.st_rdev)},
                                             {"minor", minor(status.st_rdev)},
                                             {"fileMode", 0600}});
        bundle.linux()["resources"]["devices"] = Json::array({{{"allow", true},
                                                               {"type", "b"},
                                                               {"major", major(status.st_rdev)},
                                                               {"minor", minor(status.st_rdev)},
                                                               {"access", "rwm"}}});
    }

  private:
    std::string path_;
};

constexpr const char* kDisk = R"(set -e

mount -t ext4 /dev/disk /mnt
stat -f -c %T /mnt
cat /mnt/file
echo written >/mnt/new
chown 7:8 /mnt/new
stat -c '%u %g' /mnt/new
su -s /bin/cat nobody /mnt/file
! su -s /bin/sh nobody -c 'echo x >/mnt/file' 2>/dev/null
cmp /proc/$(pidof fuse2fs)/cgroup /proc/self/cgroup
umount /mnt
)";

}  // namespace

TEST_CASE("system: a disk is mounted by the image's fuse2fs", "[.system][slow]") {
    NEEDS(need_system_root());
    NEEDS(need_program("mkfs.ext4"));
    NEEDS(need_program("losetup"));
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    const Disk disk(box);
    disk.give_to(box.bundle);
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.agent"] = "mount";
    std::optional<FuseAgent> agent(std::in_place, box);
    Container container = box.boot(agent->options());
    const Finished finished = box.sh(container, kDisk);
    CAPTURE(finished.err);
    CHECK(finished.code() == 0);
    CHECK(finished.out == "fuse\non the disk\n7 8\non the disk\n");
    // What was written is on the disk.
    CHECK(box.sh(container,
                 "mount -t ext4 /dev/disk /mnt &&"
                 " cat /mnt/new && umount /mnt")
              .out == "written\n");
    agent.reset();
    box.end(container);
}

// --- figures ----------------------------------------------------------------------------------

namespace {

// lxcfs in this mount namespace, where lxcri looks for it.
class Lxcfs {
  public:
    Lxcfs() : program_({find_program("lxcfs"), "-f", kPlace}) {
        for (int i = 0; i < 200 && access(kMemory, F_OK) == -1 && errno == ENOENT; ++i) {
            let_time_pass(milliseconds(20));
        }
    }
    Lxcfs(const Lxcfs&) = delete;
    Lxcfs& operator=(const Lxcfs&) = delete;
    ~Lxcfs() {
        (void)umount2(kPlace, MNT_DETACH);
        program_.signal(SIGTERM);
        (void)program_.wait_exit_only();
        std::error_code ignored;
        fs::remove_all("/run/lxcfs", ignored);
        fs::remove("/run/lxcfs.pid", ignored);
    }
    static std::optional<std::string> missing() {
        if (access(kMemory, R_OK) == 0) return {};
        return "lxcfs 6 shows nothing where the kernel has no Yama";
    }

  private:
    static constexpr const char* kPlace = "/var/lib/lxcfs";
    static constexpr const char* kMemory = "/var/lib/lxcfs/proc/meminfo";
    Process program_;
};

}  // namespace

TEST_CASE("system: free, nproc and uptime show the container's limits", "[.system][slow]") {
    NEEDS(need_system_root());
    NEEDS(need_program("lxcfs"));
    APPLIES(environment().layout != CgroupLayout::kV1);
    APPLIES(has_controller("memory") && has_controller("cpuset"));
    const Lxcfs lxcfs;
    NEEDS(Lxcfs::missing());
    SystemBox box;
    box.bundle.process()["args"] = {"/bin/sleep", "1000"};
    box.bundle.linux()["resources"]["memory"]["limit"] = 256 << 20;
    box.bundle.linux()["resources"]["cpu"] = {{"cpus", "0"}};
    Container container = box.create(quietly());
    container.start();
    CHECK(contains(box.sh(container, "free -m").out, " 256 "));
    CHECK(box.sh(container, "nproc; grep -c ^processor /proc/cpuinfo").out == "1\n1\n");
    CHECK(contains(box.sh(container, "uptime").out, "up 0 min"));
    // A container inside mounts a procfs all the same.
    CHECK(box.sh(container, "unshare -Urmpf --mount-proc true").code() == 0);
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
}

// --- under an engine ---------------------------------------------------------------------------

TEST_CASE("system: under Podman, with nothing but the annotation", "[.system][slow]") {
    NEEDS(need_system_root());
    NEEDS(need_podman());
    APPLIES(environment().layout != CgroupLayout::kV1);
    SystemBox box;
    const Podman podman;
    const auto ok = [&](const Strings& arguments) {
        const Finished finished = podman.call(arguments);
        INFO(finished.err);
        REQUIRE(finished.code() == 0);
        return finished.out;
    };
    ok({"run", "--detach", "--name", "machine", "--network", "none", "--uidmap", "0:100000:65536",
        "--gidmap", "0:100000:65536", "--annotation", std::string(kAnnotation) + "=true",
        "--rootfs", box.merged(), "/sbin/init"});
    const std::string until_running =
        "until systemctl is-system-running --wait 2>/dev/null | grep -E 'running|degraded';"
        " do sleep 0.05; done";
    CHECK(ok({"exec", "machine", "sh", "-c", until_running}) == "running\n");
    ok({"exec", "machine", "unshare", "-m", "mount", "-t", "tmpfs", "x", "/mnt"});
    ok({"stop", "--time", "30", "machine"});
    CHECK(ok({"inspect", "--format", "{{.State.ExitCode}}", "machine"}) == "0\n");
}

TEST_CASE("system: a reboot from inside, with Podman's --restart or by lxcri", "[.system][slow]") {
    NEEDS(need_system_root());
    NEEDS(need_podman());
    APPLIES(in_first_view());
    const bool by_lxcri = GENERATE(false, true);
    SystemBox box;
    const Podman podman;
    const auto ok = [&](const Strings& arguments) {
        const Finished finished = podman.call(arguments);
        INFO(finished.err);
        REQUIRE(finished.code() == 0);
        return finished.out;
    };
    ok({"--runtime-flag",
        "monitor-annotation",
        "run",
        "--detach",
        "--name",
        "machine",
        "--network",
        "none",
        "--uidmap",
        "0:100000:65536",
        "--gidmap",
        "0:100000:65536",
        "--annotation",
        std::string(kAnnotation) + "=true",
        "--cap-add",
        "SYS_BOOT",
        "--annotation",
        std::string("org.linuxcontainers.lxcri.reboot=") + (by_lxcri ? "restart" : "end"),
        "--restart",
        by_lxcri ? "no" : "always",
        "--rootfs",
        box.merged(),
        "/bin/sh",
        "-c",
        "if test -e /again; then exec sleep 1000; fi; : >/again; exec /sbin/init"});
    ok({"exec", "machine", "sh", "-c",
        "until systemctl is-system-running --wait 2>/dev/null; do sleep 0.05; done"});
    (void)podman.call({"exec", "machine", "systemctl", "reboot"});
    // To Podman nothing has happened where lxcri does it.
    const std::string expected = by_lxcri ? "0 running\n" : "1 running\n";
    const auto restarted = [&] {
        return ok({"inspect", "--format", "{{.RestartCount}} {{.State.Status}}", "machine"}) ==
                   expected &&
               podman.call({"exec", "machine", "cat", "/proc/1/comm"}).out == "sleep\n";
    };
    for (int i = 0; i < 200 && !restarted(); ++i) let_time_pass(milliseconds(50));
    CHECK(restarted());
    ok({"kill", "machine"});
}
