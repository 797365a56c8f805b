// config-linux.md "Cgroup ownership": a container that may write to its cgroup may make cgroups.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kUser = 1000;

void mount_cgroup(Box& box, const std::string& access) {
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                          {"type", "cgroup"},
                          {"source", "cgroup"},
                          {"options", {"nosuid", "noexec", "nodev", access}}});
}

uid_t owner_of(const fs::path& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? status.st_uid : static_cast<uid_t>(-1);
}

}  // namespace

TEST_CASE("delegation: the cgroup is the user's where it can be written", "[cgroup][delegation]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV2);
    Box box;
    mount_cgroup(box, "rw");
    box.bundle.process()["user"] = {{"uid", kUser}, {"gid", kUser}};
    box.bundle.args({"mkdir", "/sys/fs/cgroup/inner", "--", "trap", "TERM", "0"});
    Container container = box.create();
    const fs::path directory = cgroup_of(container.pid(), "pids");
    CHECK(owner_of(directory) == kUser);
    for (const char* file : {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}) {
        CAPTURE(file);
        CHECK(owner_of(directory / file) == kUser);
    }
    // Its limits are not its own to change.
    for (const char* file : {"cgroup.max.depth", "cgroup.freeze", "cgroup.kill"}) {
        CAPTURE(file);
        CHECK(owner_of(directory / file) == 0);
    }
    container.start();
    container.out().wait_for("ready");
    CHECK(has_line(container.out().text(), "mkdir /sys/fs/cgroup/inner: ok"));
    CHECK(owner_of(directory / "inner") == kUser);
    container.kill("TERM");
    (void)container.wait();
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("delegation: it stays root's where the container cannot write", "[cgroup][delegation]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV2);
    Box box;
    box.bundle.process()["user"] = {{"uid", kUser}, {"gid", kUser}};
    SECTION("a read-only mount") {
        mount_cgroup(box, "ro");
    }
    SECTION("no cgroup namespace") {
        mount_cgroup(box, "rw");
        box.bundle.remove_namespace("cgroup");
    }
    SECTION("no mount") {
        box.bundle.remove_mount("/sys/fs/cgroup");
    }
    Container container = box.create();
    CHECK(owner_of(cgroup_of(container.pid(), "pids")) == 0);
}

// --- systemd as the container's init ---------------------------------------------------------

namespace {

// This host's own files as an image: read-only below, a tmpfs above.
void use_host_as_rootfs(Box& box) {
    box.bundle.config["root"] = {{"path", "/"}, {"readonly", false}};
    box.bundle.process()["args"] = {"/lib/systemd/systemd", "--unit=basic.target",
                                    "--log-target=null", "--show-status=0"};
    for (const char* set : {"bounding", "effective", "permitted"}) {
        box.bundle.process()["capabilities"][set].push_back("CAP_SYS_ADMIN");
    }
    box.bundle.process()["env"] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=oci"};
}

}  // namespace

TEST_CASE("delegation: systemd runs as a container's init", "[delegation][systemd][slow][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const bool by_systemd = GENERATE(false, true);
    CAPTURE(by_systemd);
    CreateOptions options;
    if (by_systemd) {
        options.global = {"--systemd-cgroup"};
        box.bundle.linux()["cgroupsPath"] = "system.slice:lxcritest:" + box.name();
    }
    use_host_as_rootfs(box);
    const fs::path upper = box / "upper";
    const fs::path work = box / "work";
    const fs::path merged = box / "merged";
    for (const fs::path& path : {upper, work, merged}) fs::create_directory(path);
    REQUIRE(run_command({"/bin/mount", "-t", "overlay", "-o",
                         "lowerdir=/,upperdir=" + upper.string() + ",workdir=" + work.string(),
                         "overlay", merged})
                .code() == 0);
    box.bundle.config["root"]["path"] = merged;
    mount_cgroup(box, "rw");
    for (const char* path : {"/run", "/tmp"}) {
        box.bundle.add_mount({{"destination", path},
                              {"type", "tmpfs"},
                              {"source", "tmpfs"},
                              {"options", {"nosuid", "nodev", "mode=0755"}}});
    }
    Container container = box.create(options);
    const fs::path directory = cgroup_of(container.pid(), "pids");
    container.start();

    // Its own systemctl waits until it is there.
    const std::string pid = std::to_string(container.pid());
    const Strings enter = {find_program("nsenter"), "-t", pid, "-m", "-u", "-i", "-n", "-p", "-C"};
    Strings ask = enter;
    for (const char* word : {"/bin/sh", "-c",
                             "until systemctl is-system-running --wait | grep -qE "
                             "'running|degraded'; do sleep 0.2; done 2>/dev/null"}) {
        ask.emplace_back(word);
    }
    (void)run_command(ask, {.timeout = milliseconds(30000)});
    Strings list = enter;
    for (const char* word : {"systemctl", "list-units", "--plain", "--no-legend", "basic.target"}) {
        list.emplace_back(word);
    }
    CHECK(contains(run_command(list).out, "active"));
    // It has made cgroups of its own, below the container's.
    CHECK(fs::exists(directory / "system.slice"));
    CHECK(fs::exists(directory / "init.scope"));

    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    (void)container.wait();
    CHECK(run_command({"/bin/umount", merged}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}
