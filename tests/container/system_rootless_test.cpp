// System containers of an ordinary user: Debian's systemd with lxcri alone, and with the user's
// Podman (docs/system-containers.md).
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/runtime.h"
#include "system.h"
#include "user_podman.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A cgroup of version 2 that belongs to the user, as systemd's user manager gives one. The test
// itself is in it for as long as this lives, and so is all that it starts.
class UserCgroup {
  public:
    explicit UserCgroup(const std::string& name) : directory_(fs::path(kTop) / name) {
        fs::create_directory(directory_);
        REQUIRE(chown(directory_.c_str(), kUser, kUser) == 0);
        for (const std::string& file : lines_of(read_file("/sys/kernel/cgroup/delegate"))) {
            const fs::path path = directory_ / file;
            if (fs::exists(path)) REQUIRE(chown(path.c_str(), kUser, kUser) == 0);
        }
        enter(directory_);
    }
    UserCgroup(const UserCgroup&) = delete;
    UserCgroup& operator=(const UserCgroup&) = delete;
    ~UserCgroup() {
        enter(kTop);
        destroy_cgroups(directory_.filename().string());
    }

  private:
    static constexpr const char* kTop = "/sys/fs/cgroup";
    static void enter(const fs::path& directory) {
        write_file(directory / "cgroup.procs", std::to_string(getpid()));
    }
    fs::path directory_;
};

enum class Root { user, subordinate };

// Debian with the IDs of the user: root is the user or a subordinate ID, the others are subordinate
// ones.
class UsersDebian {
  public:
    explicit UsersDebian(Root root)
        : root_(root), tree_(std::getenv("LXCRI_TEST_SYSTEM_ROOT"), map(root)) {}
    const fs::path& path() const { return tree_.path(); }
    Json mappings() const {
        if (root_ == Root::subordinate) {
            return {{{"containerID", 0}, {"hostID", kSubordinate}, {"size", kIdCount}}};
        }
        return {{{"containerID", 0}, {"hostID", kUser}, {"size", 1}},
                {{"containerID", 1}, {"hostID", kSubordinate}, {"size", kIdCount - 1}}};
    }
    uid_t root() const { return root_ == Root::user ? kUser : kSubordinate; }

  private:
    static std::string map(Root root) {
        if (root == Root::subordinate) return map_line(kFirstId, kSubordinate, kIdCount);
        return map_line(kFirstId, kUser, 1) + "\n" +
               map_line(kFirstId + 1, kSubordinate, kIdCount - 1);
    }
    Root root_;
    IdMappedTree tree_;
};

struct UserSystemBox : SystemBox {
    explicit UserSystemBox(const UsersDebian& debian) : SystemBox(debian.path(), debian.root()) {
        map_ids(debian.mappings());
        bundle.linux().erase("cgroupsPath");
        give_to(kUser);
    }
    const SubordinateIds ids{*this / ""};
    const UserCgroup cgroup{"user-" + std::to_string(getpid())};
};

std::optional<std::string> need_rootless_system() {
    if (auto missing = need_system_root()) return missing;
    return need_program("newuidmap");
}

}  // namespace

TEST_CASE("system: an ordinary user's systemd boots, works and ends", "[.system][slow][rootless]") {
    NEEDS(need_rootless_system());
    APPLIES(environment().layout == CgroupLayout::kV2);
    const UsersDebian debian(Root::user);
    UserSystemBox box(debian);
    Container container = box.boot();
    CHECK(box.sh(container, "systemctl --failed --no-legend").out.empty());
    CHECK(box.sh(container,
                 "systemd-run --quiet --wait --pipe -p PrivateTmp=yes -p ProtectSystem=strict"
                 " -p DynamicUser=yes id -u")
              .out.starts_with("6"));
    CHECK(box.sh(container, "systemd-run --quiet --wait false").code() == 1);
    CHECK(box.sh(container, "unshare -Urmpf --mount-proc ps 1").code() == 0);
    CHECK(box.sh(container, "systemctl poweroff").code() == 0);
    CHECK(container.wait_code() == 0);
    container.remove();
    CHECK(box.remains() == Strings{});
}

TEST_CASE("system: Podman inside of an ordinary user's container", "[.system][slow][rootless]") {
    NEEDS(need_rootless_system());
    NEEDS(need_program("busybox"));
    APPLIES(environment().layout == CgroupLayout::kV2);
    const UsersDebian debian(Root::user);
    UserSystemBox box(debian);
    check_engine_inside(box, {"/var/lib/containers"}, kPodmanScript, "overlay", 3);
}

TEST_CASE("system: an ordinary user cannot give the cgroup to another one",
          "[.system][slow][rootless]") {
    NEEDS(need_rootless_system());
    APPLIES(environment().layout == CgroupLayout::kV2);
    const UsersDebian debian(Root::subordinate);
    UserSystemBox box(debian);
    Container container = box.try_create();
    CHECK(container.created.code() == 1);
    CHECK(contains(container.err().wait_for_end(), "give the cgroup to root of the container"));
    CHECK(box.remains() == Strings{});
}

TEST_CASE("system: under an ordinary user's Podman", "[.system][slow][rootless][podman]") {
    NEEDS(need_rootless_system());
    NEEDS(need_program("podman"));
    APPLIES(environment().layout == CgroupLayout::kV2);
    // One below Podman's own, which all of its containers share otherwise.
    const Root root = GENERATE(Root::user, Root::subordinate);
    // As --userns=auto has it for an image.
    const std::string map = root == Root::user ? "0:0:65536" : "0:1:65536";
    CAPTURE(map);
    const UsersDebian debian(root);
    UserSystemBox box(debian);
    const UserPodman podman(box.bundle.path(), box.runtime());
    Strings command = {"run",       "--detach", "--name",       "machine",
                       "--network", "none",     "--annotation", std::string(kAnnotation) + "=true"};
    command.insert(command.end(),
                   {"--uidmap", map, "--gidmap", map, "--rootfs", box.merged(), "/sbin/init"});
    podman.ok(command);
    const std::string until_running =
        "until systemctl is-system-running --wait 2>/dev/null | grep -E 'running|degraded';"
        " do sleep 0.05; done";
    CHECK(podman.ok({"exec", "machine", "sh", "-c", until_running}) == "running\n");
    podman.ok({"exec", "machine", "unshare", "-m", "mount", "-t", "tmpfs", "x", "/mnt"});
    podman.ok(
        {"exec", "machine", "systemd-run", "--quiet", "--wait", "-p", "DynamicUser=yes", "true"});
    podman.ok({"stop", "--time", "30", "machine"});
    CHECK(podman.ok({"inspect", "--format", "{{.State.ExitCode}}", "machine"}) == "0\n");
}

TEST_CASE("system: an ordinary user's image with --userns=auto",
          "[.system][slow][rootless][podman]") {
    NEEDS(need_runtime());
    for (const char* program : {"podman", "newuidmap", "busybox", "tar"}) {
        NEEDS(need_program(program));
    }
    APPLIES(environment().layout == CgroupLayout::kV2);
    Box box;
    const UserCgroup cgroup("user-" + std::to_string(getpid()));
    const SubordinateIds ids(box / "");
    fs::create_directories(box / "image/bin");
    fs::copy_file(find_program("busybox"), box / "image/bin/busybox");
    fs::create_symlink("busybox", box / "image/bin/sh");
    REQUIRE(run_command({find_program("tar"), "-C", box / "image", "-cf", box / "image.tar", "."})
                .code() == 0);
    box.give_to(kUser);
    const UserPodman podman(box.bundle.path(), box.runtime());
    podman.ok({"import", "-q", box / "image.tar", "localhost/" + box.name()});
    const std::string script =
        "set -- $(busybox cat /proc/self/uid_map); echo $1 $3;"
        "busybox mkdir /sys/fs/cgroup/inner && busybox mount -t proc proc /run && echo done";
    CHECK(podman.ok({"run", "--rm", "--network", "none", "--userns=auto:size=2000", "--annotation",
                     std::string(kAnnotation) + "=true", "localhost/" + box.name(), "/bin/sh", "-c",
                     script}) == "0 2000\ndone\n");
}
