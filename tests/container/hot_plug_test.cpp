// `lxcri mounts` and `lxcri devices`: what comes into a running container, and goes again.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "support/canary.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/racer.h"
#include "support/runtime.h"
#include "support/tracer.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

constexpr unsigned kFirst = 100000;

void give_rootfs(const Box& box) {
    for (const auto& entry : fs::recursive_directory_iterator(box.bundle.rootfs())) {
        REQUIRE(lchown(entry.path().c_str(), kFirst, kFirst) == 0);
    }
    REQUIRE(lchown(box.bundle.rootfs().c_str(), kFirst, kFirst) == 0);
}

void add_user_namespace(Box& box) {
    box.bundle.add_namespace("user");
    const Json mappings = {{{"containerID", 0}, {"hostID", kFirst}, {"size", 65536}}};
    box.bundle.linux()["uidMappings"] = mappings;
    box.bundle.linux()["gidMappings"] = mappings;
    give_rootfs(box);
}

// A container that runs, and things of the host that are to come into it.
class Scene {
  public:
    explicit Scene(bool user_namespace = false) : container_(box, "") {
        fs::create_directories(box / "source");
        write_file(box / "source/file", "of the host");
        write_file(box / "single", "one file");
        if (user_namespace) add_user_namespace(box);
        container_ = box.sleeper();
    }

    Box box;
    Container& container() { return container_; }
    std::string source() const { return box / "source"; }

    Finished mounts(const std::string& action, const Strings& more = {},
                    const CommandOptions& options = {}) const {
        return command("mounts", action, more, options);
    }
    Finished devices(const std::string& action, const Strings& more = {},
                     const CommandOptions& options = {}) const {
        return command("devices", action, more, options);
    }
    Json list(const std::string& kind) const {
        const Finished finished = command(kind, "list", {"--format", "json"}, {});
        INFO(finished.err);
        REQUIRE(finished.code() == 0);
        return Json::parse(finished.out);
    }
    std::string inside(const Strings& probe, const Strings& flags = {}) const {
        return box.exec(container_, probe, flags).out;
    }
    bool is_mounted(const std::string& point) const {
        const auto lines =
            lines_of(read_file("/proc/" + std::to_string(container_.pid()) + "/mountinfo"));
        return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
            return split(line, ' ').at(4) == point;
        });
    }
    Strings line(const std::string& kind, const std::string& action, const Strings& more) const {
        Strings words{kind, action, container_.id()};
        words.insert(words.end(), more.begin(), more.end());
        return box.command_line(words);
    }

  private:
    Finished command(const std::string& kind, const std::string& action, const Strings& more,
                     const CommandOptions& options) const {
        return run_command(line(kind, action, more), options);
    }

    Container container_;
};

void check_works(const Finished& finished) {
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(finished.err.empty());
}

std::string refusal(const Finished& finished) {
    CHECK(finished.code() == 1);
    CHECK(lines_of(finished.err).size() == 1);
    return finished.err;
}

Strings volume(const std::string& text) {
    return {"--volume", text};
}

}  // namespace

TEST_CASE("hot plug: a directory of the host comes into the container, and goes",
          "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(GENERATE(false, true));
    check_works(scene.mounts("add", volume(scene.source() + ":/new/data:ro")));
    CHECK(contains(scene.inside({"cat", "/new/data/file"}), "of the host"));
    CHECK(has_line(scene.inside({"write", "/new/data/file", "x"}), "write /new/data/file: EROFS"));
    const Json list = scene.list("mounts");
    REQUIRE(list.size() == 1);
    CHECK(list[0]["destination"] == "/new/data");
    CHECK(list[0]["source"] == scene.source());
    CHECK(list[0]["mounted"] == true);
    CHECK(contains(scene.mounts("list").out, "/new/data"));

    check_works(scene.mounts("remove", {"/new/data"}));
    CHECK_FALSE(scene.is_mounted("/new/data"));
    CHECK(scene.list("mounts") == Json::array());
    CHECK(contains(refusal(scene.mounts("remove", {"/new/data"})), "nothing that `lxcri mounts"));
}

TEST_CASE("hot plug: a file, a tmpfs and a procfs", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    const bool user_namespace = GENERATE(false, true);
    Scene scene(user_namespace);
    check_works(scene.mounts("add", {"--source", scene.box / "single", "--destination", "/one"}));
    CHECK(contains(scene.inside({"cat", "/one"}), "one file"));
    check_works(scene.mounts("add", {"--type", "tmpfs", "--destination", "/cache", "--options",
                                     "size=64k,mode=1755,nosuid,ro"}));
    CHECK(contains(scene.inside({"mountinfo"}), " /cache ro,nosuid"));
    CHECK(contains(scene.inside({"stat", "/cache"}), "1755 0 0"));
    // A process of ours in the pid namespace would be one that the container can trace, without a
    // user namespace.
    const auto next_pid = [&] {
        return std::stoi(split(scene.inside({"field", "Pid"}), '\t').at(1));
    };
    const int before = next_pid();
    const int step = next_pid() - before;
    const Finished added = scene.mounts("add", {"-t", "proc", "-s", "proc", "-d", "/tmp/proc"});
    if (!user_namespace) CHECK(next_pid() == before + 2 * step);
    if (!user_namespace && contains(added.err, "needs Linux 6.18")) return;
    check_works(added);
    CHECK(contains(scene.inside({"readlink", "/tmp/proc/1/ns/mnt"}), "mnt:["));
    CHECK(has_line(scene.inside({"stat", "/tmp/proc/" + std::to_string(::getpid())}),
                   "stat /tmp/proc/" + std::to_string(::getpid()) + ": ENOENT"));
}

TEST_CASE("hot plug: entries of config.json, all or none", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Scene scene;
    Json mounts = {{{"destination", "/a"}, {"type", "tmpfs"}},
                   {{"destination", "/a/b"},
                    {"type", "bind"},
                    {"source", scene.source()},
                    {"options", {"bind", "nosuid"}}}};
    CommandOptions input;
    input.input = mounts.dump();
    check_works(scene.mounts("add", {"--mounts", "-"}, input));
    CHECK(contains(scene.inside({"cat", "/a/b/file"}), "of the host"));
    check_works(scene.mounts("remove", {"/a/b"}));
    check_works(scene.mounts("remove", {"/a"}));

    // Only the second one can be seen to be wrong when the first is there.
    mounts[1]["destination"] = "/proc/sys";
    input.input = mounts.dump();
    CHECK(contains(refusal(scene.mounts("add", {"--mounts", "-"}, input)), "/mounts/1"));
    CHECK_FALSE(scene.is_mounted("/a"));
    CHECK(scene.list("mounts") == Json::array());
}

TEST_CASE("hot plug: owners can be mapped", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(true);
    check_works(scene.mounts("add", volume(scene.source() + ":/data:idmap")));
    CHECK(contains(scene.inside({"stat", "/data/file"}), " 0 0 "));
    check_works(scene.mounts("remove", {"/data"}));
    check_works(scene.mounts("add", volume(scene.source() + ":/data")));
    CHECK(contains(scene.inside({"stat", "/data/file"}), " 65534 65534 "));
}

TEST_CASE("hot plug: for an ordinary user", "[hotplug][rootless][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "source");
    write_file(box / "source/file", "of the user");
    box.bundle.add_namespace("user");
    box.bundle.remove_namespace("network");
    box.bundle.remove_mount("/sys/fs/cgroup");
    box.bundle.linux().erase("cgroupsPath");
    for (const char* name : {"uidMappings", "gidMappings"}) {
        box.bundle.linux()[name] = {{{"containerID", 0}, {"hostID", kUser}, {"size", 1}}};
    }
    box.give_to(kUser);
    Container container = box.sleeper();
    const auto call = [&](const char* kind, const char* action, const Strings& more) {
        Strings words{kind, action, container.id()};
        words.insert(words.end(), more.begin(), more.end());
        const Finished finished = box.call(words);
        CAPTURE(kind, action, finished.err);
        CHECK(finished.code() == 0);
    };
    call("mounts", "add", volume((box / "source").string() + ":/data"));
    call("mounts", "add", {"--type", "tmpfs", "--destination", "/cache"});
    CHECK(contains(box.exec(container, {"cat", "/data/file"}).out, "of the user"));
    call("mounts", "remove", {"/cache"});
    call("mounts", "remove", {"/data"});
    CHECK(contains(box.exec(container, {"cat", "/data/file"}).out, "ENOENT"));
}

TEST_CASE("hot plug: what is wrong is told, and changes nothing", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Scene scene;
    const std::string missing = scene.box / "missing";
    CHECK(contains(refusal(scene.mounts("add", volume(missing + ":/data"))), missing));
    CHECK(contains(refusal(scene.mounts("add", volume(scene.source() + ":/"))),
                   "/mounts/0/destination"));
    CHECK(contains(refusal(scene.mounts("add", volume(scene.source()))), "--volume: expected"));
    CHECK(contains(refusal(scene.mounts("add", {})), "add: expected --volume"));
    CHECK(contains(refusal(scene.mounts("remove", {})), "DESTINATION is missing"));
    CHECK(contains(refusal(scene.mounts("swap", {})), "ACTION: expected add, remove or list"));
    CHECK(contains(refusal(scene.mounts("add", {"-t", "nosuchfs", "-d", "/data"})), "nosuchfs"));
    for (const char* text : {"[]", "{", "[1]", R"({"destination": 1})", R"({"source": "/x"})"}) {
        CAPTURE(text);
        CommandOptions input;
        input.input = text;
        (void)refusal(scene.mounts("add", {"-m", "-"}, input));
    }
    for (const char* place : {"/proc", "/proc/sys", "/proc/1"}) {
        CAPTURE(place);
        (void)refusal(scene.mounts("add", volume(scene.source() + ":" + place)));
    }
    CHECK(scene.list("mounts") == Json::array());
    CHECK(contains(refusal(scene.devices("add", {"-d", scene.box / "single"})), "is no device"));
    CHECK(contains(refusal(scene.devices("add", {"-d", "/dev/null:/dev/x:rx"})), "letters out of"));
    CHECK(contains(refusal(scene.devices("remove", {"/dev/null"})), "has added no"));
}

TEST_CASE("hot plug: only a running container", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"sleep", "1000"});
    fs::create_directories(box / "source");
    const std::string text = (box / "source").string() + ":/data";
    Container container = box.create();
    const auto add = [&] {
        return refusal(box.call({"mounts", "add", container.id(), "--volume", text}));
    };
    CHECK(contains(add(), "it is created"));
    container.start();
    if (has_controller("freezer") || environment().layout == CgroupLayout::kV2) {
        REQUIRE(box.call({"pause", container.id()}).code() == 0);
        CHECK(contains(add(), "it is paused"));
        REQUIRE(box.call({"resume", container.id()}).code() == 0);
    }
    container.kill();
    container.wait();
    CHECK(contains(add(), "it is stopped"));
}

TEST_CASE("hot plug: links of the image lead nowhere outside", "[hotplug][hostile][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(GENERATE(false, true));
    const Canary canary(scene.box / "outside");
    const auto rootfs = scene.box.bundle.rootfs();
    fs::create_directory_symlink(canary.path(), rootfs / "absolute");
    fs::create_directory_symlink("../../../../.." + canary.path().string(), rootfs / "relative");
    for (const char* link : {"/absolute/new", "/relative/new", "/proc/1/root/../../new"}) {
        CAPTURE(link);
        // Inside of the container, or refused.
        (void)scene.mounts("add", volume(scene.source() + ":" + link));
        (void)scene.devices("add", {"--device", std::string("/dev/null:") + link + "-device"});
    }
    CHECK(canary.changes() == Strings{});
}

TEST_CASE("hot plug: folders and links that change places meanwhile lead nowhere outside",
          "[hotplug][hostile][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(GENERATE(false, true));
    const Canary canary(scene.box / "outside");
    const auto rootfs = scene.box.bundle.rootfs();
    fs::create_directories(rootfs / "place/deep");
    fs::create_directories(rootfs / "other/deep");
    fs::create_directory_symlink(canary.path(), rootfs / "link");
    {
        const Racer racer({{rootfs / "place", rootfs / "link", rootfs / "other"}});
        for (int round = 0; round < 60; ++round) {
            CAPTURE(round);
            const auto added = scene.mounts("add", volume(scene.source() + ":/place/deep"));
            if (added.code() != 0) (void)refusal(added);
            (void)scene.devices("add", {"-d", "/dev/zero:/place/deep-device"});
            REQUIRE(canary.is_untouched());
            // Wherever it is now.
            for (const auto& mount : scene.list("mounts")) {
                (void)scene.mounts("remove", {mount["destination"].get<std::string>()});
            }
            (void)scene.devices("remove", {"/place/deep-device"});
            REQUIRE(canary.is_untouched());
        }
        CHECK(racer.exchanges() > 60);
    }
    CHECK(canary.changes() == Strings{});
}

TEST_CASE("hot plug: what the container mounts on top stays, and is told", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(true);
    const Strings admin{"--cap", "CAP_SYS_ADMIN"};
    check_works(scene.mounts("add", volume(scene.source() + ":/data")));
    REQUIRE(contains(scene.inside({"mount", "/data"}, admin), "ok"));
    CHECK(contains(refusal(scene.mounts("remove", {"/data"})), "another mount is on top of it"));
    CHECK(scene.list("mounts")[0]["mounted"] == true);
    REQUIRE(contains(scene.inside({"umount", "/data"}, admin), "ok"));
    CHECK(contains(scene.inside({"cat", "/data/file"}), "of the host"));
    // Now our own: the container may do that.
    REQUIRE(contains(scene.inside({"umount", "/data"}, admin), "ok"));
    CHECK(scene.list("mounts")[0]["mounted"] == false);
    REQUIRE(contains(scene.inside({"mount", "/data"}, admin), "ok"));
    CHECK(scene.mounts("remove", {"/data"}).code() == 0);
    CHECK(scene.is_mounted("/data"));  // the container's
    CHECK(scene.list("mounts") == Json::array());
}

TEST_CASE("hot plug: a step that fails leaves nothing", "[hotplug][slow][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(GENERATE(false, true));
    const Victim victim = GENERATE(Victim::kCommand, Victim::kDescendant);
    const auto line = scene.line("mounts", "add", volume(scene.source() + ":/data"));
    const Traced counted = run_and_fail(line, {}, victim, 0, EIO);
    REQUIRE(counted.calls > 20);
    check_works(scene.mounts("remove", {"/data"}));
    for (const long cut : choose_cuts(counted.calls, 25)) {
        const Traced traced = run_and_fail(line, {}, victim, cut, EIO);
        CAPTURE(cut, traced.number, traced.command.err);
        CHECK_FALSE(traced.hung);
        const Json list = scene.list("mounts");
        CHECK(scene.is_mounted("/data") == (traced.command.code() == 0));
        CHECK(list.size() == (traced.command.code() == 0 ? 1 : 0));
        for (std::size_t i = 0; i < list.size(); ++i) (void)scene.mounts("remove", {"/data"});
    }
}

TEST_CASE("hot plug: a command that is killed leaves nothing that is not listed",
          "[hotplug][slow][lxcri]") {
    NEEDS(need_runtime());
    Scene scene;
    const auto line = scene.line("mounts", "add", volume(scene.source() + ":/data"));
    const Traced counted = run_and_kill(line, {}, Victim::kCommand, 0);
    check_works(scene.mounts("remove", {"/data"}));
    for (const long cut : choose_cuts(counted.calls, 25)) {
        const Traced traced = run_and_kill(line, {}, Victim::kCommand, cut);
        CAPTURE(cut, traced.number);
        const Json list = scene.list("mounts");
        if (scene.is_mounted("/data")) CHECK(list.size() == 1);
        for (std::size_t i = 0; i < list.size(); ++i) {
            CHECK(scene.mounts("remove", {"/data"}).code() == 0);
        }
        CHECK_FALSE(scene.is_mounted("/data"));
    }
}

TEST_CASE("hot plug: a checkpoint says what is in its way", "[hotplug][lxcri]") {
    NEEDS(need_runtime());
    Scene scene;
    check_works(scene.mounts("add", volume(scene.source() + ":/data")));
    const auto checkpoint = [&] {
        return refusal(scene.box.call(
            {"checkpoint", "--image-path", scene.box / "image", scene.container().id()}));
    };
    CHECK(contains(checkpoint(), "the mount \"/data\" was added while it ran"));
}

// Device 1:2 has no driver: an open that the rules allow says ENXIO.
TEST_CASE("hot plug: a device comes with its rule, and goes with it", "[hotplug][devices][lxcri]") {
    NEEDS(need_runtime());
    const bool user_namespace = GENERATE(false, true);
    Scene scene(user_namespace);
    const bool limited = has_controller("devices");
    const std::string found = "open /dev/new: ENXIO";
    // A node that is bound has the mount option nodev no more than the host's; the rules decide.
    CommandOptions input;
    input.input =
        Json({{"path", "/dev/new"}, {"type", "c"}, {"major", 1}, {"minor", 2}, {"fileMode", 0666}})
            .dump();
    check_works(scene.devices("add", {"--devices", "-", "--access", "rw"}, input));
    CHECK(contains(scene.inside({"stat", "/dev/new"}), "char 0666 0 0 1:2"));
    CHECK(has_line(scene.inside({"open", "/dev/new", "rw"}), found));
    Json expected = {{"path", "/dev/new"}, {"type", "c"}, {"major", 1}, {"minor", 2}};
    expected["access"] = "rw";
    CHECK(scene.list("devices") == Json::array({expected}));
    CHECK(contains(refusal(scene.devices("add", {"--devices", "-"}, input)), "has been added"));

    // Rules of `update` take the place of those of config.json, and not of these.
    if (limited) {
        CommandOptions rules;
        rules.input = R"({"devices": [{"allow": false, "access": "rwm"},
                                      {"allow": true, "type": "c", "major": 1, "minor": 4,
                                       "access": "r"}]})";
        const Finished updated =
            scene.box.call({"update", "--resources", "-", scene.container().id()}, rules);
        INFO(updated.err);
        CHECK(updated.code() == 0);
        CHECK(has_line(scene.inside({"open", "/dev/new", "rw"}), found));
    }
    check_works(scene.devices("remove", {"/dev/new"}));
    CHECK(has_line(scene.inside({"stat", "/dev/new"}), "stat /dev/new: ENOENT"));
    CHECK(scene.list("devices") == Json::array());
    if (limited && !user_namespace) {
        const Strings maker{"--cap", "CAP_MKNOD"};
        CHECK(contains(scene.inside({"mknod-open", "/tmp/node", "c", "1", "2"}, maker), "EPERM"));
    }
}

TEST_CASE("hot plug: a device of the host under another name", "[hotplug][devices][lxcri]") {
    NEEDS(need_runtime());
    Scene scene(GENERATE(false, true));
    check_works(scene.devices("add", {"--device", "/dev/null:/dev/nothing:rw"}));
    CHECK(contains(scene.inside({"stat", "/dev/nothing"}), "char 0666 0 0 1:3"));
    CHECK(has_line(scene.inside({"open", "/dev/nothing", "rw"}), "open /dev/nothing: ok"));
    CHECK(contains(scene.devices("list").out, "/dev/nothing"));
    check_works(scene.devices("remove", {"/dev/nothing"}));
    CHECK(has_line(scene.inside({"stat", "/dev/nothing"}), "stat /dev/nothing: ENOENT"));
}

TEST_CASE("hot plug: a device that cannot be made leaves no rule", "[hotplug][devices][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("devices"));
    Scene scene;
    CommandOptions input;
    input.input = Json({{"path", "/proc/new"}, {"type", "c"}, {"major", 1}, {"minor", 2}}).dump();
    (void)refusal(scene.devices("add", {"--devices", "-"}, input));
    CHECK(scene.list("devices") == Json::array());
    const Strings maker{"--cap", "CAP_MKNOD"};
    CHECK(contains(scene.inside({"mknod-open", "/tmp/node", "c", "1", "2"}, maker), "EPERM"));
}
