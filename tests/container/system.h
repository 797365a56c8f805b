#pragma once
// What the tests of system containers share: Debian with systemd as the root filesystem.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/kernel_mount.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/runtime.h"

namespace lxcri::test {

inline constexpr const char* kAnnotation = "org.linuxcontainers.lxcri.system";
inline constexpr unsigned kFirstId = 100000;
inline constexpr unsigned kIdCount = 65536;

inline std::optional<std::string> need_system_root() {
    if (auto missing = need_runtime()) return missing;
    if (std::getenv("LXCRI_TEST_SYSTEM_ROOT") != nullptr) return {};
    return "no Debian with systemd: LXCRI_TEST_SYSTEM_ROOT names it, ./dev test system makes it";
}

inline CreateOptions quietly() {
    CreateOptions options;
    options.quiet = true;
    return options;
}

// A directory of the host with other owners. `map`: uid_map and gid_map; its left column are those
// on the disk.
class IdMappedTree {
  public:
    IdMappedTree(const std::filesystem::path& source, const std::string& map) {
        const UniqueFd ids = make_user_namespace(map);
        const UniqueFd mount(static_cast<int>(
            syscall(SYS_open_tree, AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
        REQUIRE(mount.get() != -1);
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_IDMAP;
        attributes.userns_fd = static_cast<__u64>(ids.get());
        REQUIRE(syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &attributes,
                        sizeof attributes) == 0);
        REQUIRE(syscall(SYS_move_mount, mount.get(), "", AT_FDCWD, path().c_str(),
                        MOVE_MOUNT_F_EMPTY_PATH) == 0);
    }
    IdMappedTree(const IdMappedTree&) = delete;
    IdMappedTree& operator=(const IdMappedTree&) = delete;
    ~IdMappedTree() { (void)umount2(path().c_str(), MNT_DETACH); }
    const std::filesystem::path& path() const { return directory_.path(); }

  private:
    static UniqueFd make_user_namespace(const std::string& map) {
        Process process(
            {find_program("unshare"), "--user", "/bin/sh", "-c", "echo there; exec sleep 1000"});
        process.out().wait_for("there\n");
        const std::string directory = "/proc/" + std::to_string(process.pid());
        for (const char* file : {"/uid_map", "/gid_map"}) write_file(directory + file, map);
        UniqueFd ids(open((directory + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
        process.signal(SIGKILL);
        (void)process.wait();
        REQUIRE(ids.get() != -1);
        return ids;
    }
    TempDir directory_;
};

// An overlay of Debian; config.json as engines write it, and the annotation.
class SystemBox : public Box {
  public:
    // Debian's IDs are those that root of the host gives to the container.
    SystemBox() : SystemBox(std::getenv("LXCRI_TEST_SYSTEM_ROOT"), kFirstId) {
        map_ids({{{"containerID", 0}, {"hostID", kFirstId}, {"size", kIdCount}}});
    }
    // `root`: the ID of the container's root, in `lower`.
    SystemBox(const std::filesystem::path& lower, uid_t root) {
        mount_overlay(lower, root);
        bundle.config["root"] = {{"path", merged()}, {"readonly", false}};
        bundle.config["annotations"][kAnnotation] = "true";
        bundle.add_namespace("user");
        bundle.process()["args"] = {"/sbin/init"};
        bundle.process()["env"] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    }
    SystemBox(const SystemBox&) = delete;
    SystemBox& operator=(const SystemBox&) = delete;
    ~SystemBox() {
        destroy_cgroups(name());
        (void)umount2(merged().c_str(), MNT_DETACH);
    }

    std::filesystem::path merged() const { return *this / "merged"; }

    void map_ids(const Json& mappings) {
        bundle.linux()["uidMappings"] = mappings;
        bundle.linux()["gidMappings"] = mappings;
    }

    void bind(const std::filesystem::path& source, const std::string& destination) {
        bundle.add_mount({{"destination", destination},
                          {"type", "bind"},
                          {"source", source},
                          {"options", {"bind", "ro"}}});
    }
    // The programs under test, in the same place at each level.
    void bind_runtime() {
        for (const char* part : {"bin", "libexec"}) {
            bind(runtime().parent_path().parent_path() / part, std::string("/opt/lxcri/") + part);
        }
    }

    // For images inside: the kernel puts no overlay on an overlay.
    void give_tmpfs(const std::string& destination) {
        bundle.add_mount({{"destination", destination},
                          {"type", "tmpfs"},
                          {"source", "tmpfs"},
                          {"options", {"mode=0700"}}});
    }

    // What the runtime has left; the overlay is ours.
    Strings remains() const {
        Strings list = leftovers();
        std::erase_if(list, [&](const std::string& line) {
            return contains(line, "mount ") && contains(line, merged().string() + " ");
        });
        return list;
    }

    void end(const Container& container) const {
        CHECK(call({"delete", "--force", container.id()}).code() == 0);
        CHECK(remains() == Strings{});
    }

    // A shell script inside.
    Finished sh(const Container& container, const std::string& script) const {
        return call({"exec", container.id(), "/bin/sh", "-c", script},
                    {.timeout = milliseconds(60000)});
    }

    Container boot(const CreateOptions& options = quietly()) {
        Container container = create(options);
        container.start();
        const Finished waited = sh(container,
                                   "until systemctl is-system-running --wait 2>/dev/null |"
                                   " grep -E 'running|degraded'; do sleep 0.05; done");
        INFO(sh(container, "systemctl --failed --no-legend; journalctl -p warning").out);
        REQUIRE(waited.out == "running\n");
        return container;
    }

  private:
    void mount_overlay(const std::filesystem::path& lower, uid_t root) const {
        for (const char* name : {"upper", "work", "merged"}) {
            std::filesystem::create_directory(*this / name);
        }
        REQUIRE(lchown((*this / "upper").c_str(), root, root) == 0);
        const std::string data = "lowerdir=" + lower.string() +
                                 ",upperdir=" + (*this / "upper").string() +
                                 ",workdir=" + (*this / "work").string();
        REQUIRE(mount("overlay", merged().c_str(), "overlay", 0, data.c_str()) == 0);
    }
};

// A script with an engine inside; it says the driver of its images, and for each of its runtimes
// the same.
inline void check_engine_inside(SystemBox& box, const Strings& image_directories,
                                const std::string& script, const std::string& driver,
                                int runtimes) {
    box.bind_runtime();
    box.bind(find_program("busybox"), "/opt/busybox");
    for (const std::string& directory : image_directories) box.give_tmpfs(directory);
    Container container = box.boot();
    const Finished finished = box.sh(container, script);
    INFO(finished.err);
    CHECK(finished.code() == 0);
    std::string expected = driver + "\n";
    for (int i = 0; i < runtimes; ++i) expected += "built, pid 1\nbeside it\n3\n";
    CHECK(finished.out == expected);
    box.end(container);
}

// Podman inside, which builds an image and runs containers of it with three runtimes.
inline constexpr const char* kPodmanScript = R"(set -e
mkdir -p /etc/containers /run/image
printf '[containers]\npids_limit = 0\n' >/etc/containers/containers.conf
cd /run/image
cp /opt/busybox sh
printf 'FROM scratch\nCOPY sh /bin/sh\nCOPY sh /bin/sleep\nRUN ["/bin/sh", "-c", "echo built >/made"]\n' >Containerfile
podman build --quiet --network none --tag inner . >/dev/null
podman info --format '{{.Store.GraphDriverName}}'
for runtime in crun runc /opt/lxcri/bin/lxcri; do
    podman --runtime $runtime run --rm --network none inner /bin/sh -c 'read made </made; echo "$made, pid $$"'
    podman --runtime $runtime run --detach --name one --network none inner /bin/sh -c \
        'trap "exit 3" TERM; while :; do sleep 1; done' >/dev/null
    podman --runtime $runtime exec one /bin/sh -c 'echo beside it'
    podman --runtime $runtime stop --time 20 one >/dev/null
    podman --runtime $runtime inspect --format '{{.State.ExitCode}}' one
    podman --runtime $runtime rm one >/dev/null
done
)";

}  // namespace lxcri::test
