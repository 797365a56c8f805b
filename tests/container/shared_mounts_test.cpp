// A container in a mount namespace that is not its own: the runtime's, or one by its path.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/tracer.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A process with a mount namespace, a copy of ours, there when this returns.
class Neighbour {
  public:
    Neighbour()
        : process_(
              {"/usr/bin/unshare", "--mount", environment().probe.string(), "trap", "TERM", "0"}) {
        process_.out().wait_for("ready");
    }
    std::string proc(const std::string& name) const {
        return "/proc/" + std::to_string(process_.pid()) + "/" + name;
    }
    std::string mounts() const { return read_file(proc("mountinfo")); }

  private:
    Process process_;
};

std::string mount_namespace_of(pid_t pid) {
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/mnt");
}

}  // namespace

TEST_CASE("shared mounts: without a mount namespace of its own it is in the runtime's",
          "[namespaces][mounts][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string before = read_file("/proc/self/mountinfo");
    box.bundle.remove_namespace("mount");
    Container container = box.sleeper();
    CHECK(mount_namespace_of(container.pid()) == mount_namespace_of(getpid()));
    CHECK(fs::read_symlink("/proc/" + std::to_string(container.pid()) + "/root") ==
          box.bundle.rootfs());
    // The container process and those that join it have the same root, with the mounts in it.
    const Finished seen = box.exec(container, {"mountinfo", "--", "ls", "/", "--", "cwd"});
    INFO(seen.err);
    REQUIRE(seen.code() == 0);
    CHECK(contains(seen.out, " /proc rw"));
    CHECK(contains(seen.out, " /dev/shm rw"));
    CHECK(has_line(seen.out, "probe"));
    CHECK(!has_line(seen.out, "boot"));
    const std::string during = read_file("/proc/self/mountinfo");
    CHECK(contains(during, box.bundle.in_rootfs("dev/shm").string() + " rw"));
    container.kill();
    CHECK(container.wait_code() == -SIGKILL);
    container.remove();
    CHECK(read_file("/proc/self/mountinfo") == before);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("shared mounts: read-only root, hidden paths and sysctls are the container's",
          "[namespaces][mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("mount");
    box.bundle.config["root"]["readonly"] = true;
    fs::create_directories(box.bundle.in_rootfs("secret"));
    write_file(box.bundle.in_rootfs("secret/file"), "words");
    box.bundle.linux()["maskedPaths"].push_back("/secret");
    box.bundle.linux()["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    const Outcome outcome =
        box.life({"cat", "/proc/sys/net/ipv4/ip_forward", "--", "ls", "/secret", "--", "write",
                  "/proc/sys/net/ipv4/ip_forward", "0", "--", "write", "/new-file", "text"});
    CHECK(lines_of(outcome.out) ==
          Strings{"1", "write /proc/sys/net/ipv4/ip_forward: EROFS", "write /new-file: EROFS"});
    CHECK(!fs::exists(box.bundle.in_rootfs("new-file")));
    write_file(box.bundle.in_rootfs("new-file"), "text");  // out here it is writable again
    CHECK(read_file(box.bundle.in_rootfs("secret/file")) == "words");
}

TEST_CASE("shared mounts: by path, that of a neighbour", "[namespaces][mounts][exec][lxcri]") {
    NEEDS(need_runtime());
    Neighbour neighbour;
    Box box;
    const std::string before = neighbour.mounts();
    const std::string rootfs = box.bundle.rootfs();
    box.bundle.remove_namespace("mount").add_namespace("mount", neighbour.proc("ns/mnt"));
    Container container = box.sleeper();
    CHECK(mount_namespace_of(container.pid()) == fs::read_symlink(neighbour.proc("ns/mnt")));
    CHECK(contains(neighbour.mounts(), " " + rootfs + "/dev/shm "));
    CHECK(!contains(read_file("/proc/self/mountinfo"), rootfs));
    const Finished seen = box.exec(container, {"ls", "/"});
    CHECK(has_line(seen.out, "probe"));
    container.kill();
    container.wait();
    container.remove();
    CHECK(neighbour.mounts() == before);
}

TEST_CASE("shared mounts: a create that fails takes its mounts away", "[namespaces][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string before = read_file("/proc/self/mountinfo");
    box.bundle.remove_namespace("mount");
    box.bundle.process()["args"] = {"/not-there"};
    CHECK(contains(box.refusal(), "/not-there"));
    CHECK(read_file("/proc/self/mountinfo") == before);
}

TEST_CASE("shared mounts: exec goes nowhere when the root has been unmounted",
          "[namespaces][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("mount");
    Container container = box.sleeper();
    REQUIRE(umount2(box.bundle.rootfs().c_str(), MNT_DETACH) == 0);
    const Finished refused = box.exec(container, {"true"});
    CHECK(refused.code() != 0);
    CHECK(contains(refused.err, "the container's root filesystem is no longer on"));
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
}

TEST_CASE("shared mounts: what has been mounted on top is not ours to take away",
          "[namespaces][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("mount");
    Container container = box.sleeper();
    REQUIRE(mount("tmpfs", box.bundle.rootfs().c_str(), "tmpfs", 0, nullptr) == 0);
    const Finished refused = box.call({"delete", "--force", container.id()});
    CHECK(refused.code() == 1);
    CHECK(contains(refused.err, "something else has been mounted on them"));
    REQUIRE(umount2(box.bundle.rootfs().c_str(), 0) == 0);
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("shared mounts: delete finds them whenever create has been killed",
          "[interrupted][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    const std::string before = read_file("/proc/self/mountinfo");
    const auto kill_at = [](long cut) {
        Box box;
        box.bundle.remove_namespace("mount").write();
        const std::string id = box.new_id();
        const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
        CommandOptions quiet;
        quiet.fds = {{null.get(), 1}};
        const Traced traced =
            run_and_kill(box.command_line({"create", "--bundle", box.bundle.path(), id}), quiet,
                         Victim::kCommand, cut);
        CHECK(box.call({"delete", "--force", id}).code() == 0);
        CHECK(box.leftovers() == Strings{});
        return traced.calls;
    };
    const long calls = kill_at(0);
    for (const long cut : choose_cuts(calls, 40)) {
        CAPTURE(cut, calls);
        (void)kill_at(cut);
        REQUIRE(read_file("/proc/self/mountinfo") == before);
    }
}

TEST_CASE("shared mounts: not with a new user namespace, which may not touch them",
          "[namespaces][userns][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    box.bundle.add_namespace("user").remove_namespace("mount");
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    CHECK(contains(box.refusal(), "must belong to the container's user namespace"));
}

TEST_CASE("shared mounts: what takes mount(2) is refused", "[namespaces][mounts][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("mount");
    box.bundle.add_mount(
        {{"destination", "/data"}, {"type", "tmpfs"}, {"source", std::string(300, 's')}});
    const std::string before = read_file("/proc/self/mountinfo");
    CHECK(contains(box.refusal(), "/mounts/7: "));
    CHECK(read_file("/proc/self/mountinfo") == before);
}

TEST_CASE("shared mounts: the root of the namespace cannot be the root filesystem",
          "[namespaces][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.remove_namespace("mount");
    box.bundle.config["root"]["path"] = "/";
    CHECK(contains(box.refusal(), "/root/path: got \"/\""));
}
