// lxcri as an ordinary user, and as root of a user namespace alone.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace os = lxcri::os;
namespace fs = std::filesystem;

namespace {

Json mapping(unsigned inside, unsigned outside, unsigned size) {
    return {{"containerID", inside}, {"hostID", outside}, {"size", size}};
}

// What a user without privileges can have: a user namespace, no network of its own, no limits.
struct UserBox : Box {
    UserBox() {
        // As `spec --rootless` writes it.
        bundle.add_namespace("user");
        bundle.remove_namespace("network");
        bundle.remove_mount("/sys/fs/cgroup");
        bundle.linux().erase("cgroupsPath");
        map({mapping(0, kUser, 1)});
        give_to(kUser);
    }

    void map(const std::vector<Json>& mappings) {
        bundle.linux()["uidMappings"] = mappings;
        bundle.linux()["gidMappings"] = mappings;
    }
};

std::string one_line(const std::string& text) {
    CHECK(lines_of(text).size() == 1);
    return text;
}

}  // namespace

TEST_CASE("rootless: a whole life", "[rootless]") {
    NEEDS(need_runtime());
    UserBox box;
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    CHECK(container.status() == "created");
    CHECK(container.state().at("owner") == std::to_string(kUser));
    container.start();
    container.out().wait_for("ready");
    CHECK(container.status() == "running");

    struct stat status {};
    REQUIRE(stat(("/proc/" + std::to_string(container.pid())).c_str(), &status) == 0);
    CHECK(status.st_uid == kUser);
    const auto map = read_file("/proc/" + std::to_string(container.pid()) + "/uid_map");
    CHECK(has_line(map, map_line(0, kUser, 1)));
    CHECK(read_file("/proc/" + std::to_string(container.pid()) + "/setgroups") == "deny\n");

    const Finished ids = box.exec(container, {"ids"});
    CHECK(ids.code() == 0);
    CHECK(contains(ids.out, "uid=0"));
    CHECK(contains(box.call({"list"}).out, container.id()));

    container.kill("TERM");
    CHECK(container.wait_code() == 7);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: what `spec --rootless` writes runs", "[rootless][spec]") {
    NEEDS(need_runtime());
    UserBox box;
    CommandOptions options;
    options.working_directory = box.bundle.path();
    fs::remove(box.bundle.path() / "config.json");
    REQUIRE(box.call({"spec", "--rootless"}, options).code() == 0);
    Json config = Json::parse(read_file(box.bundle.path() / "config.json"));
    config["process"]["terminal"] = false;
    config["process"]["args"] = {"/probe", "ids"};
    write_file(box.bundle.path() / "config.json", config.dump());
    const Finished done = box.call({"run", box.new_id()}, options);
    INFO(done.err);
    CHECK(done.code() == 0);
    CHECK(contains(done.out, "uid=0"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: the directory of containers is the user's", "[rootless]") {
    NEEDS(need_runtime());
    UserBox box;
    box.bundle.write();
    CommandOptions options;
    options.uid = kUser;
    options.environment = Strings{"XDG_RUNTIME_DIR=" + (box / "bundle").string()};
    const Strings command = {box.runtime(), "run", "--bundle", box.bundle.path(), box.new_id()};
    const Finished done = run_command(command, options);
    INFO(done.err);
    CHECK(done.code() == 0);
    CHECK(fs::is_directory(box.bundle.path() / "lxcri"));
}

TEST_CASE("rootless: subordinate IDs, users and groups", "[rootless]") {
    NEEDS(need_runtime());
    NEEDS(need_program("newuidmap"));
    UserBox box;
    const SubordinateIds ids(box / "");
    box.map({mapping(0, kUser, 1), mapping(1, kSubordinate, 1000), mapping(5000, 205000, 10)});
    SECTION("as root") {
        const Outcome outcome = box.life({"cat", "/proc/self/uid_map", "/proc/self/gid_map"});
        CHECK(contains(outcome.out, map_line(1, kSubordinate, 1000)));
        CHECK(contains(outcome.out, map_line(5000, 205000, 10)));
    }
    SECTION("as another user, with groups") {
        box.bundle.process()["user"] = {{"uid", 5}, {"gid", 7}, {"additionalGids", {9, 10}}};
        box.bundle.args({"sleep"});
        Container container = box.create();
        container.start();
        struct stat status {};
        REQUIRE(stat(("/proc/" + std::to_string(container.pid())).c_str(), &status) == 0);
        CHECK(status.st_uid == kSubordinate + 4);
        // The owner of the user namespace may signal and join what is another user's.
        const Finished exec = box.exec(container, {"ids"});
        CHECK(contains(exec.out, "uid=5"));
        CHECK(contains(exec.out, "gid=7"));
        CHECK(contains(exec.out, "groups=9,10"));
        container.kill();
        CHECK(container.wait_code() == -9);
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}

// Engines open the namespaces of a created container, to give it a network for example.
TEST_CASE("rootless: the user can look into a created container, and exec in it", "[rootless]") {
    NEEDS(need_runtime());
    UserBox box;
    std::optional<SubordinateIds> ids;
    SECTION("as root") {}
    SECTION("as another user, with subordinate IDs") {
        NEEDS(need_program("newuidmap"));
        ids.emplace(box / "");
        box.map({mapping(0, kUser, 1), mapping(1, kSubordinate, 1000)});
        box.bundle.process()["user"] = {{"uid", 5}, {"gid", 7}};
    }
    SECTION("where the user is not root of it") {
        NEEDS(need_program("newuidmap"));
        ids.emplace(box / "");
        box.map({mapping(0, kSubordinate, 1000), mapping(1000, kUser, 1)});
    }
    box.bundle.args({"sleep"});
    Container container = box.create();
    const std::string proc = "/proc/" + std::to_string(container.pid()) + "/ns/";
    CommandOptions options;
    options.uid = kUser;
    for (const std::string kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
        CAPTURE(kind);
        const Finished looked = run_command({"/bin/readlink", proc + kind}, options);
        CHECK(looked.code() == 0);
        CHECK(looked.out == fs::read_symlink(proc + kind).string() + "\n");
    }
    const Finished exec = box.exec(container, {"ids"});
    INFO(exec.err);
    CHECK(exec.code() == 0);
    CHECK(contains(exec.out, "uid="));
    CHECK(container.status() == "created");
    container.kill();
    CHECK(container.wait_code() == -9);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: mappings that the user may not have are an error", "[rootless][errors]") {
    NEEDS(need_runtime());
    NEEDS(need_program("newuidmap"));
    UserBox box;
    SECTION("not in /etc/subuid") {
        const SubordinateIds ids(box / "");
        box.map({mapping(0, kUser, 1), mapping(1, 300000, 10)});
        const std::string error = one_line(box.refusal());
        CHECK(contains(error, "/linux/uidMappings: "));
        CHECK(contains(error, "newuidmap"));
    }
    SECTION("without newuidmap") {
        box.map({mapping(0, kUser, 1), mapping(1, kSubordinate, 10)});
        CreateOptions options;
        options.command.environment = Strings{"PATH=/nowhere"};
        CHECK(contains(one_line(box.refusal(options)),
                       "/linux/uidMappings: more than the user's own ID needs newuidmap"));
    }
    SECTION("another user's ID") {
        box.map({mapping(0, 0, 1)});
        CHECK(contains(one_line(box.refusal()), "/linux/uidMappings: "));
    }
    SECTION("no user is root inside") {
        box.map({mapping(1, kUser, 1)});
        CHECK(contains(one_line(box.refusal()),
                       "/linux/uidMappings: a mapping for the container ID 0 is missing"));
    }
}

TEST_CASE("rootless: what only root can have is an error", "[rootless][errors]") {
    NEEDS(need_runtime());
    UserBox box;
    std::string expected;
    SECTION("no user namespace") {
        box.bundle.remove_namespace("user");
        box.bundle.linux().erase("uidMappings");
        box.bundle.linux().erase("gidMappings");
        expected = "/linux/namespaces: an entry of type \"user\" is missing";
    }
    SECTION("groups") {
        box.bundle.process()["user"]["additionalGids"] = {5};
        expected = "/process/user/additionalGids: setgroups";
    }
    SECTION("ID mappings of a mount") {
        box.bundle.add_mount({{"destination", "/mnt"},
                              {"type", "bind"},
                              {"source", box.bundle.path()},
                              {"options", {"bind", "idmap"}}});
        expected = "/options: only root of the host can give a mount ID mappings";
    }
    SECTION("a better place when memory is short") {
        box.bundle.process()["oomScoreAdj"] = -900;
        expected = "/process/oomScoreAdj: ";
    }
    SECTION("a limit, where no cgroup is to be had") {
        box.bundle.linux()["resources"] = {{"pids", {{"limit", 10}}}};
        expected = "/linux/resources: got limits, but this user may not make the cgroup";
    }
    SECTION("a source that the user may not see") {
        fs::create_directory(box / "secret");
        REQUIRE(chmod((box / "secret").c_str(), 0700) == 0);
        fs::create_directory(box / "secret/data");
        box.bundle.add_mount({{"destination", "/mnt"},
                              {"type", "bind"},
                              {"source", box / "secret/data"},
                              {"options", {"bind"}}});
        expected = "/source: ";
    }
    const std::string refusal = one_line(box.refusal());
    CHECK(contains(refusal, expected));
    if (contains(expected, "make the cgroup")) CHECK(contains(refusal, "--systemd-cgroup"));
}

TEST_CASE("rootless: without a cgroup", "[rootless]") {
    NEEDS(need_runtime());
    UserBox box;
    // Device rules protect from nothing here: no process can make a node.
    box.bundle.linux()["resources"] = {{"devices", {{{"allow", false}, {"access", "rwm"}}}}};
    box.bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                          {"type", "cgroup"},
                          {"source", "cgroup"},
                          {"options", {"ro"}}});
    Container container = box.sleeper();
    CHECK(read_file("/proc/self/cgroup") ==
          read_file("/proc/" + std::to_string(container.pid()) + "/cgroup"));
    CHECK(box.exec(container, {"ls", "/sys/fs/cgroup"}).out != "");
    const Finished paused = box.call({"pause", container.id()});
    CHECK(paused.code() == 1);
    CHECK(contains(paused.err, "has no cgroup of its own"));
    container.kill();
    CHECK(container.wait_code() == -9);
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: kill --all of a stopped container without a cgroup", "[rootless][kill]") {
    NEEDS(need_runtime());
    UserBox box;
    Container container = box.sleeper();
    CHECK(box.call({"kill", "--all", container.id(), "KILL"}).code() == 0);
    CHECK(container.wait_code() == -9);
    for (const char* signal : {"TERM", "KILL"}) {
        const Finished again = box.call({"kill", "--all", container.id(), signal});
        INFO(again.err);
        CHECK(again.code() == 0);
    }
    // Without --all callers want to know.
    CHECK(contains(box.call({"kill", container.id(), "KILL"}).err, "container not running"));
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

// Alone it would show what they cover.
TEST_CASE("rootless: a mount with others below that cannot be left out", "[rootless][mounts]") {
    NEEDS(need_runtime());
    UserBox box;
    const fs::path source = box / "source";
    fs::create_directories(source);
    REQUIRE(mount("tmpfs", source.c_str(), "tmpfs", 0, "mode=0755") == 0);
    fs::create_directory(source / "sub");
    write_file(source / "sub/covered", "x");
    REQUIRE(mount("tmpfs", (source / "sub").c_str(), "tmpfs", 0, "mode=0777") == 0);
    write_file(source / "sub/upper", "x");
    Json mount{{"destination", "/mnt"}, {"type", "bind"}, {"source", source}};
    SECTION("bind is refused, and says what would do") {
        mount["options"] = {"bind", "ro"};
        box.bundle.add_mount(mount);
        const std::string error = one_line(box.try_create().created.err);
        CHECK(contains(error, "/source: the mounts below "));
        CHECK(contains(error, "rbind"));
    }
    SECTION("rbind takes them along") {
        mount["options"] = {"rbind", "ro"};
        box.bundle.add_mount(mount);
        const Outcome outcome = box.life({"ls", "/mnt/sub"});
        CHECK(outcome.code == 0);
        CHECK(contains(outcome.out, "upper"));
        CHECK_FALSE(contains(outcome.out, "covered"));
    }
    umount2(source.c_str(), MNT_DETACH);
    CHECK(box.leftovers() == Strings{});
}

// config.json asks for no bind there: it is how we make such a mount.
TEST_CASE("rootless: a cgroup hierarchy with something mounted in it", "[rootless][mounts]") {
    NEEDS(need_runtime());
    UserBox box;
    // In the caller's own cgroup, where a container of this user stays.
    const fs::path inner = cgroup_of(getpid(), has_controller("pids") ? "pids" : "") / "lxcritest";
    fs::create_directory(inner);
    REQUIRE(mount("tmpfs", inner.c_str(), "tmpfs", 0, "mode=0777") == 0);
    box.bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                          {"type", "cgroup"},
                          {"source", "cgroup"},
                          {"options", {"ro", "nosuid", "noexec", "nodev"}}});
    const Outcome outcome = box.life({"mountinfo"});
    umount2(inner.c_str(), MNT_DETACH);
    rmdir(inner.c_str());
    INFO(outcome.out << outcome.err);
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, "/lxcritest ro,nosuid,nodev,noexec"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: devices are the host's, and no node can be made", "[rootless][devices]") {
    NEEDS(need_runtime());
    UserBox box;
    const Outcome outcome = box.life({"stat", "/dev/null", "--", "write", "/dev/null", "x", "--",
                                      "stat", "/dev/ptmx", "--", "mountinfo"});
    INFO(outcome.out << outcome.err);
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, " /dev/null "));
}

TEST_CASE("rootless: /sys with and without a network of its own", "[rootless][mounts]") {
    NEEDS(need_runtime());
    UserBox box;
    SECTION("the host's network") {}
    SECTION("a new network") {
        box.bundle.add_namespace("network");
    }
    const Outcome outcome = box.life({"ls", "/sys/class/net", "--", "ifaces"});
    INFO(outcome.out << outcome.err);
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, "lo"));
}

// In a container it is so: the kernel then makes a new one only with the same restrictions.
TEST_CASE("rootless: where /sys is read-only and /proc has noatime", "[rootless][mounts]") {
    NEEDS(need_runtime());
    NEEDS(need_program("unshare"));
    NEEDS(need_program("setpriv"));
    UserBox box;
    box.bundle.add_namespace("network");
    box.bundle.remove_mount("/sys").remove_mount("/proc");
    box.bundle.add_mount({{"destination", "/sys"},
                          {"type", "sysfs"},
                          {"source", "sysfs"},
                          {"options", {"nosuid", "noexec", "nodev", "ro"}}});
    box.bundle.add_mount({{"destination", "/proc"},
                          {"type", "proc"},
                          {"source", "proc"},
                          {"options", {"nosuid", "noexec", "nodev", "noatime"}}});
    box.bundle.args({"cat", "/proc/self/mountinfo"});
    box.bundle.write();
    const std::string user = std::to_string(kUser);
    Strings command = {find_program("unshare"),
                       "--mount",
                       "/bin/sh",
                       "-c",
                       "mount -o remount,bind,ro,nosuid,nodev,noexec /sys && "
                       "mount -o remount,bind,noatime,nosuid,nodev,noexec /proc && "
                       "exec setpriv --reuid=" +
                           user + " --regid=" + user + " --clear-groups \"$@\"",
                       "sh"};
    const Strings run = box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()});
    command.insert(command.end(), run.begin(), run.end());
    const Finished done = run_command(command, {});
    INFO(done.err);
    CHECK(done.code() == 0);
    CHECK(contains(done.out, " /sys ro,"));
    CHECK(contains(done.out, " /proc rw,nosuid,nodev,noexec,noatime"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: a device's mode that the host's has not", "[rootless][devices][errors]") {
    NEEDS(need_runtime());
    UserBox box;
    Json device = {{"path", "/dev/zero"}, {"type", "c"}, {"major", 1}, {"minor", 5}};
    device["fileMode"] = 0666;
    box.bundle.linux()["devices"] = Json::array({device});
    CHECK(contains(box.life({"stat", "/dev/zero"}).out, "char 0666"));
    device["fileMode"] = 0600;
    box.bundle.linux()["devices"] = Json::array({device});
    CHECK(contains(box.refusal(), "/linux/devices/0/fileMode: cannot be applied"));
}

TEST_CASE("rootless: oomScoreAdj upwards", "[rootless]") {
    NEEDS(need_runtime());
    UserBox box;
    box.bundle.process()["oomScoreAdj"] = 500;
    Container container = box.sleeper();
    CHECK(box.exec(container, {"cat", "/proc/1/oom_score_adj"}).out == "500\n");
    container.kill();
    CHECK(container.wait_code() == -9);
    container.remove();
}

TEST_CASE("rootless: hooks are run as the caller", "[rootless][hooks]") {
    NEEDS(need_runtime());
    UserBox box;
    const std::string seen = box.bundle.path() / "seen";
    const Json hook = {{"path", "/bin/sh"},
                       {"args", {"sh", "-c", "{ id -u; cat /proc/self/uid_map; } >>" + seen}}};
    for (const char* kind : {"createRuntime", "poststart", "poststop"}) {
        box.bundle.config["hooks"][kind] = {hook};
    }
    CHECK(box.life({"true"}).code == 0);
    const Strings lines = lines_of(read_file(seen));
    CHECK(lines.size() == 6);
    CHECK(std::count(lines.begin(), lines.end(), std::to_string(kUser)) == 3);
    const std::string own = lines_of(read_file("/proc/self/uid_map")).front();
    CHECK(std::count(lines.begin(), lines.end(), own) == 3);
}

TEST_CASE("rootless: in the user namespace of another container", "[rootless][namespaces]") {
    NEEDS(need_runtime());
    UserBox box;
    Container first = box.sleeper();
    const std::string ns = "/proc/" + std::to_string(first.pid()) + "/ns/";
    box.bundle.remove_namespace("user").remove_namespace("ipc").remove_namespace("pid");
    for (const char* type : {"user", "ipc", "pid"}) box.bundle.add_namespace(type, ns + type);
    box.bundle.linux().erase("uidMappings");
    box.bundle.linux().erase("gidMappings");
    const auto same = [&](const Container& other, const std::string& type) {
        return fs::read_symlink(ns + type) ==
               fs::read_symlink("/proc/" + std::to_string(other.pid()) + "/ns/" + type);
    };
    box.bundle.args({"sleep"});
    Container second = box.create();
    second.start();
    for (const char* type : {"user", "ipc", "pid"}) CHECK(same(second, type));
    CHECK_FALSE(same(second, "mnt"));
    for (Container* container : {&second, &first}) {
        container->kill();
        CHECK(container->wait_code() == -9);
        container->remove();
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: root of a user namespace alone", "[rootless]") {
    NEEDS(need_runtime());
    NEEDS(need_program("unshare"));
    UserBox box;
    SECTION("shares it with the container") {
        box.bundle.remove_namespace("user");
        box.bundle.linux().erase("uidMappings");
        box.bundle.linux().erase("gidMappings");
        // The group 5 of the usual options has no number here.
        box.bundle.remove_mount("/dev/pts");
    }
    SECTION("the container has one more") {
        box.map({mapping(0, 0, 1)});
    }
    box.bundle.args({"ids"});
    box.bundle.write();
    Strings command = {find_program("unshare"), "--user", "--map-root-user", "--mount"};
    const Strings run = box.command_line({"run", "--bundle", box.bundle.path(), box.new_id()});
    command.insert(command.end(), run.begin(), run.end());
    CommandOptions options;
    options.uid = kUser;
    const Finished done = run_command(command, options);
    INFO(done.err);
    CHECK(done.code() == 0);
    CHECK(contains(done.out, "uid=0"));
    CHECK(box.leftovers() == Strings{});
}

// --- with the user's own systemd, which may use the controllers of its cgroup -------------------

namespace {

// The virtual machine's user, whose systemd always runs.
constexpr uid_t kManagedUser = 1000;
const fs::path kManager = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";

struct ManagedBox : Box {
    ManagedBox() {
        bundle.add_namespace("user");
        for (const char* member : {"uidMappings", "gidMappings"}) {
            bundle.linux()[member] = std::vector<Json>{mapping(0, kManagedUser, 1)};
        }
        bundle.linux()["cgroupsPath"] = "user.slice:lxcritest:" + name();
        options.global = {"--systemd-cgroup"};
        options.command.environment =
            Strings{"PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=/run/user/1000"};
        give_to(kManagedUser);
    }

    std::string unit() const { return "lxcritest-" + name() + ".scope"; }
    fs::path cgroup() const { return kManager / "user.slice" / unit() / "container"; }
    Finished manage(const Container& container, Strings command) const {
        command.insert(command.begin() + 1, container.id());
        return call(command, options.command);
    }

    CreateOptions options;
};

}  // namespace

TEST_CASE("rootless: limits through the user's systemd", "[rootless][vm]") {
    APPLIES(has_systemd());
    ManagedBox box;
    box.bundle.linux()["resources"] = {{"pids", {{"limit", 20}}},
                                       {"memory", {{"limit", 64 << 20}}},
                                       {"cpu", {{"quota", 50000}, {"period", 100000}}}};
    box.bundle.args({"sleep"});
    Container container = box.create(box.options);
    container.start();
    CHECK(read_file("/proc/" + std::to_string(container.pid()) + "/cgroup") ==
          "0::" + box.cgroup().string().substr(std::string("/sys/fs/cgroup").size()) + "\n");
    CHECK(read_file(box.cgroup() / "pids.max") == "20\n");
    CHECK(read_file(box.cgroup() / "memory.max") == std::to_string(64 << 20) + "\n");
    CHECK(read_file(box.cgroup() / "cpu.max") == "50000 100000\n");

    SECTION("exec from a cgroup that is not the user's joins it") {
        const Finished exec =
            box.exec(container, {"cat", "/proc/self/cgroup"}, {}, box.options.command);
        INFO(exec.err);
        CHECK(exec.code() == 0);
        CHECK(exec.out == "0::/\n");
    }
    SECTION("exec of what needs more memory than there is") {
        const Finished exec = box.exec(container, {"alloc", "200000000"}, {}, box.options.command);
        CHECK(exec.code() == 137);
    }
    SECTION("update, pause, resume, ps, events") {
        const Finished updated =
            box.call({"update", "--pids-limit", "30", container.id()}, box.options.command);
        INFO(updated.err);
        CHECK(updated.code() == 0);
        // containerd sends the device rules with every limit; here no rule has an effect.
        write_file(box / "resources", R"({"devices": [{"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]})");
        REQUIRE(chmod((box / "resources").c_str(), 0644) == 0);
        const Finished with_devices = box.call(
            {"update", "--resources", box / "resources", container.id()}, box.options.command);
        INFO(with_devices.err);
        CHECK(with_devices.code() == 0);
        CHECK(read_file(box.cgroup() / "pids.max") == "30\n");
        CHECK(box.manage(container, {"pause"}).code() == 0);
        CHECK(container.status() == "paused");
        CHECK(box.manage(container, {"resume"}).code() == 0);
        CHECK(container.status() == "running");
        CHECK(contains(box.manage(container, {"ps"}).out, "probe"));
        CHECK(contains(box.call({"events", "--stats", container.id()}, box.options.command).out,
                       "\"pids\""));
    }
    container.kill();
    CHECK(container.wait_code() == -9);
    CHECK(box.manage(container, {"delete"}).code() == 0);
    CHECK_FALSE(fs::exists(box.cgroup().parent_path()));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: a system container limits what runs inside", "[rootless][vm][lxcri]") {
    APPLIES(has_systemd());
    ManagedBox box;
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.system"] = "true";
    box.bundle.linux()["resources"] = {{"pids", {{"limit", 40}}},
                                       {"memory", {{"limit", 64 << 20}}}};
    box.bundle.args({"sleep"});
    Container container = box.create(box.options);
    container.start();
    const auto inside = [&](const Strings& probe) {
        const Finished finished = box.exec(container, probe, {}, box.options.command);
        UNSCOPED_INFO(finished.err);
        return finished.out;
    };
    const std::string own = "/sys/fs/cgroup/";
    // Version 2 wants no process beside cgroups that have controllers.
    CHECK(inside({"mkdir",
                  own + "rest",
                  "--",
                  "mkdir",
                  own + "inner",
                  "--",  //
                  "write",
                  own + "rest/cgroup.procs",
                  "1",
                  "--",  //
                  "write",
                  own + "rest/cgroup.procs",
                  "0",
                  "--",  //
                  "write",
                  own + "cgroup.subtree_control",
                  "+pids +memory",
                  "--",  //
                  "write",
                  own + "inner/pids.max",
                  "3",
                  "--",  //
                  "write",
                  own + "inner/memory.max",
                  "16777216"}) ==
          "mkdir /sys/fs/cgroup/rest: ok\nmkdir /sys/fs/cgroup/inner: ok\n"
          "write /sys/fs/cgroup/rest/cgroup.procs: ok\n"
          "write /sys/fs/cgroup/rest/cgroup.procs: ok\n"
          "write /sys/fs/cgroup/cgroup.subtree_control: ok\n"
          "write /sys/fs/cgroup/inner/pids.max: ok\n"
          "write /sys/fs/cgroup/inner/memory.max: ok\n");
    const std::string moved = "write /sys/fs/cgroup/inner/cgroup.procs: ok\n";
    CHECK(inside({"write", own + "inner/cgroup.procs", "0", "--", "forks", "10"}) ==
          moved + "forks 10: EAGAIN\nforks=2\n");
    CHECK(inside({"write", own + "inner/cgroup.procs", "0", "--", "alloc-in-child", "33554432"}) ==
          moved + "child signal=9\n");
    // Its own limits are the engine's.
    CHECK(inside({"write", own + "pids.max", "max"}) == "write /sys/fs/cgroup/pids.max: EPERM\n");
    CHECK(read_file(box.cgroup() / "pids.max") == "40\n");
    container.kill();
    CHECK(container.wait_code() == -9);
    CHECK(box.manage(container, {"delete"}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: what Podman always asks of the user's systemd", "[rootless][vm]") {
    APPLIES(has_systemd());
    ManagedBox box;
    box.bundle.config["annotations"]["org.systemd.property.KillSignal"] = "15";
    box.bundle.config["annotations"]["org.systemd.property.TimeoutStopUSec"] = "uint64 10000000";
    box.bundle.args({"sleep"});
    Container container = box.create(box.options);
    CHECK(fs::exists(box.cgroup()));
    // In a created container, and from a cgroup that is not the user's.
    const Finished exec = box.exec(container, {"exit", "3"}, {}, box.options.command);
    INFO(exec.err);
    CHECK(exec.code() == 3);
    container.kill();
    CHECK(container.wait_code() == -9);
    CHECK(box.manage(container, {"delete"}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

// In a user namespace they come along: alone the mount above would show what they cover.
TEST_CASE("rootless: mounts below a bind of cgroups are private", "[rootless][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV2);
    UserBox box;
    box.bundle.linux()["rootfsPropagation"] = "slave";
    box.bundle.remove_namespace("cgroup");
    box.bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                          {"type", "cgroup"},
                          {"source", "cgroup"},
                          {"options", {"ro", "nosuid"}}});
    const fs::path below = fs::path("/sys/fs/cgroup") / box.name();
    fs::create_directory(below);
    REQUIRE(mount("tmpfs", below.c_str(), "tmpfs", 0, nullptr) == 0);
    REQUIRE(mount(nullptr, below.c_str(), nullptr, MS_SHARED, nullptr) == 0);
    const Outcome outcome = box.life({"mountinfo"});
    umount2(below.c_str(), MNT_DETACH);
    rmdir(below.c_str());
    CAPTURE(outcome.out);
    // The last one: /sys is a bind of the host's, which has the same mounts.
    std::string found;
    for (const std::string& line : lines_of(outcome.out)) {
        if (contains(line, " " + below.string() + " ")) found = line;
    }
    CHECK(contains(found, " ro,nosuid,relatime - tmpfs"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: a cgroup below one that was delegated", "[rootless][vm]") {
    APPLIES(has_systemd());
    ManagedBox box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.args({"cat", "/proc/self/cgroup", "--", "ls", "/sys/fs/cgroup"});
    box.bundle.remove_namespace("cgroup");
    box.bundle.write();
    const std::string id = box.new_id();
    Strings command = {find_program("systemd-run"), "--user", "--scope", "--quiet",
                       "--property=Delegate=yes"};
    const Strings run = box.command_line({"run", "--bundle", box.bundle.path(), id});
    command.insert(command.end(), run.begin(), run.end());
    CommandOptions options = box.options.command;
    options.uid = kManagedUser;
    const Finished done = run_command(command, options);
    INFO(done.err);
    CHECK(done.code() == 0);
    CHECK(contains(done.out, "user@1000.service"));
    CHECK(contains(done.out, "/lxcri-" + id + "\n"));
    CHECK(contains(done.out, "cgroup.procs"));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: a kept monitor answers its user", "[rootless][monitor][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("lxc-info"));
    NEEDS(need_program("nsenter"));
    UserBox box;
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
    box.bundle.args({"trap", "TERM", "7"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CommandOptions as_user;
    as_user.uid = kUser;
    const std::string monitor = std::to_string(container.pid());
    // As root of the user namespace liblxc's tools want to write below /run.
    const Finished info = run_command(
        {find_program("nsenter"), "--target=" + monitor, "--user", "--preserve-credentials",
         "--net=/proc/" + monitor + "/fd/5", find_program("unshare"), "--mount", "/bin/sh", "-c",
         "mount -t tmpfs none /run && exec \"$@\"", "sh", find_program("lxc-info"), "-P",
         box.root(), "-n", container.id()},
        as_user);
    CAPTURE(info.err, info.out);
    CHECK(info.code() == 0);
    CHECK(line_after(info.out, "State:") == "RUNNING");
    container.kill("TERM");
    CHECK(container.wait_code() == 7);
}

TEST_CASE("rootless: a runtime root that only its user can search", "[rootless]") {
    NEEDS(need_runtime());
    NEEDS(need_program("newuidmap"));
    UserBox box;
    const SubordinateIds subordinate(box / "bundle");
    const bool many = GENERATE(false, true);
    // Root of the container is another user of the host, as with Podman's --userns=auto.
    if (many) box.map({mapping(0, kSubordinate, 1000)});
    box.bundle.args({"exit", "5"});
    const fs::path closed = box / "closed";
    fs::create_directories(closed);
    REQUIRE(chown(closed.c_str(), kUser, kUser) == 0);
    fs::permissions(closed, fs::perms::owner_all);
    fs::remove(box.root());
    fs::create_directory_symlink(closed / "root", box.root());
    fs::create_directories(closed / "root");
    REQUIRE(chown((closed / "root").c_str(), kUser, kUser) == 0);
    CHECK(box.life().code == 5);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("rootless: a host whose /proc shows others nothing", "[rootless][lxcri]") {
    NEEDS(need_runtime());
    const std::string hidepid = GENERATE(as<std::string>(), "1", "2", "4");
    CAPTURE(hidepid);
    // In the mount namespace of the tests.
    struct HiddenProcesses {
        explicit HiddenProcesses(const std::string& option) {
            REQUIRE(mount("proc", "/proc", "proc", 0, option.c_str()) == 0);
        }
        ~HiddenProcesses() { umount2("/proc", MNT_DETACH); }
    };
    const HiddenProcesses hidden("hidepid=" + hidepid);
    {
        UserBox box;
        const std::string hook_file = box / "bundle/hook.ran";
        box.bundle.config["hooks"]["createRuntime"] = {
            {{"path", "/bin/sh"}, {"args", {"sh", "-c", "echo ran > " + hook_file}}}};
        Container container = box.sleeper();
        CHECK(read_file(hook_file) == "ran\n");
        CHECK(container.status() == "running");
        CHECK(contains(box.exec(container, {"ids"}).out, "uid=0"));
        container.kill();
        CHECK(container.wait_code() == -SIGKILL);
        container.remove();
        CHECK(box.leftovers() == Strings{});
    }
}
