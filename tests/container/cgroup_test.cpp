// linux.cgroupsPath and linux.resources: made, entered, limited, removed.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

bool v2() {
    return environment().layout == CgroupLayout::kV2;
}

// Where version 2 is mounted; "" where it is not.
fs::path mount_point_of_v2() {
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        if (hierarchy.v2) return hierarchy.mount_point;
    }
    return {};
}

// A container that runs and says so.
Container sleeper(Box& box) {
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

// The last word of a cgroup file, without the newline.
std::string content(const fs::path& file) {
    const std::vector<std::string> lines = lines_of(read_file(file));
    return lines.empty() ? "" : lines.back();
}

}  // namespace

TEST_CASE("cgroup: the container is in it, in every hierarchy, also before start", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    const std::string text = read_file("/proc/" + std::to_string(container.pid()) + "/cgroup");
    for (const std::string& line : lines_of(text)) {
        CAPTURE(line);
        const bool second = line.starts_with("0::");
        // Hierarchies that this view has no mount for are out of reach.
        if (v2() ? !second : (second && environment().layout == CgroupLayout::kV1)) continue;
        CHECK(line.ends_with(":/" + box.name()));
    }
    REQUIRE(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(find_cgroups(box.name()).empty());
}

TEST_CASE("cgroup: holds nothing but the container", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    const fs::path folder = cgroup_of(container.pid(), "pids");
    CHECK(read_file(folder / "cgroup.procs") == std::to_string(container.pid()) + "\n");
}

TEST_CASE("cgroup: with version 2 lxcri-start is not in it", "[cgroup][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(v2());
    Box box;
    const fs::path seen = box / "seen";
    const fs::path procs = fs::path("/sys/fs/cgroup") / box.name() / "cgroup.procs";
    box.bundle.config["hooks"]["createRuntime"] = {
        {{"path", environment().probe},
         {"args", {"probe", "into", seen.string(), "--", "cat", procs.string()}}}};
    Container container = box.create();
    // The container's first process, and the mount hook, which waits.
    const Strings pids = lines_of(read_file(seen));
    REQUIRE(pids.size() == 2);
    CHECK(pids.front() == std::to_string(container.pid()));
}

TEST_CASE("cgroup: nothing else is made, and all is removed", "[cgroup]") {
    NEEDS(need_runtime());
    const std::vector<fs::path> before = find_cgroups("");
    Box box;
    Container container = sleeper(box);
    for (const fs::path& path : find_cgroups("")) {
        CAPTURE(path);
        const bool old = std::find(before.begin(), before.end(), path) != before.end();
        // Others may work on this machine too: only liblxc's own names are ours for sure.
        CHECK((old || !contains(path.string(), "lxc")));
    }
    container.kill("KILL");
    (void)container.wait();
    container.remove();
    CHECK(find_cgroups(box.name()).empty());
}

TEST_CASE("cgroupsPath: absent, the default contains the ID", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    Container container = sleeper(box);
    CHECK(contains(cgroup_of(container.pid(), "pids").string(), container.id()));
    container.kill("TERM");
    (void)container.wait();
    container.remove();
    CHECK(find_cgroups(box.name()).empty());
}

TEST_CASE("cgroupsPath: nested ones are made, with their parents", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    const std::string path = "/" + box.name() + "/a/b";
    box.bundle.linux()["cgroupsPath"] = path;
    Container container = sleeper(box);
    CHECK(cgroup_of(container.pid(), "pids").string().ends_with(path));
    container.kill("TERM");
    (void)container.wait();
    container.remove();
    for (const fs::path& left : find_cgroups(box.name())) {
        CHECK(!left.string().ends_with("/b"));  // the container's own is gone in any case
        rmdir(left.c_str());
    }
    destroy_cgroups(box.name());
}

TEST_CASE("cgroupsPath: relative ones too", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["cgroupsPath"] = box.name() + "-relative";
    Container container = sleeper(box);
    CHECK(cgroup_of(container.pid(), "pids").string().ends_with(box.name() + "-relative"));
}

TEST_CASE("cgroupsPath: .. leads nowhere else", "[cgroup][hostile]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["cgroupsPath"] = "/../../" + box.name() + "/../" + box.name() + "x";
    Container container = box.try_create();
    if (container.created.code() == 0) {
        for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
            CHECK(!fs::exists(hierarchy.mount_point.parent_path() / (box.name() + "x") / "x"));
        }
        container.remove();
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("cgroup: parents that were there before stay", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    std::vector<fs::path> parents;
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        parents.push_back(hierarchy.mount_point / (box.name() + "-parent"));
        REQUIRE(mkdir(parents.back().c_str(), 0755) == 0);
    }
    box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "-parent/child";
    CHECK(box.life({"true"}).code == 0);
    for (const fs::path& parent : parents) {
        CAPTURE(parent);
        CHECK(fs::exists(parent));
        CHECK(!fs::exists(parent / "child"));
        rmdir(parent.c_str());
    }
}

TEST_CASE("cgroup: one that is in use by others is refused, the others are unharmed",
          "[cgroup][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    Container first = sleeper(box);
    Container second = box.try_create();  // the same cgroupsPath
    CHECK(second.created.code() != 0);
    CHECK(first.status() == "running");
    CHECK(box.call({"delete", "--force", second.id()}).code() == 0);
    CHECK(first.status() == "running");
}

TEST_CASE("cgroup: an empty one that is left over is used", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        REQUIRE(mkdir((hierarchy.mount_point / box.name()).c_str(), 0755) == 0);
    }
    CHECK(box.life({"true"}).code == 0);
    CHECK(find_cgroups(box.name()).empty());
}

TEST_CASE("cgroup: one that takes no processes is refused, and stays", "[cgroup][lxcri]") {
    NEEDS(need_runtime());
    const fs::path root = mount_point_of_v2();
    APPLIES(!root.empty());
    Box box;
    const fs::path parent = root / box.name();
    REQUIRE(mkdir(parent.c_str(), 0755) == 0);
    SECTION("it gives controllers to others") {
        const std::string controllers = read_file(root / "cgroup.subtree_control");
        APPLIES(!controllers.empty());
        const std::string one = controllers.substr(0, controllers.find_first_of(" \n"));
        write_file(parent / "cgroup.subtree_control", "+" + one);
        const Container container = box.try_create();
        CHECK(container.created.code() == 1);
        CHECK(contains(container.created.err, "/linux/cgroupsPath: the cgroup \"" +
                                                  parent.string() +
                                                  "\" exists and takes no processes: it gives "
                                                  "the controllers \"" +
                                                  one + "\" to those below it"));
    }
    SECTION("it is for threads") {
        REQUIRE(mkdir((parent / "threads").c_str(), 0755) == 0);
        write_file(parent / "threads/cgroup.type", "threaded");
        box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "/threads";
        const Container container = box.try_create();
        CHECK(container.created.code() == 1);
        CHECK(contains(container.created.err, "its type is \"threaded\""));
        CHECK(fs::exists(parent / "threads"));
        rmdir((parent / "threads").c_str());
    }
    CHECK(fs::exists(parent));
    rmdir(parent.c_str());
}

TEST_CASE("cgroup: children that the container made are removed with it", "[cgroup]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        REQUIRE(mkdir((hierarchy.mount_point / box.name() / "inner").c_str(), 0755) == 0);
        REQUIRE(mkdir((hierarchy.mount_point / box.name() / "inner/most").c_str(), 0755) == 0);
    }
    container.kill("TERM");
    (void)container.wait();
    container.remove();
    CHECK(find_cgroups(box.name()).empty());
}

// --- limits ----------------------------------------------------------------------------------

TEST_CASE("pids.limit: is set and works", "[cgroup][limits]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("pids"));
    Box box;
    box.bundle.linux()["resources"]["pids"]["limit"] = 5;
    const Outcome outcome = box.life({"forks", "20"});
    CHECK(contains(outcome.out, "forks 20: EAGAIN"));
    CHECK(has_line(outcome.out, "forks=4"));
}

TEST_CASE("pids.limit: -1 means no limit", "[cgroup][limits][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("pids"));
    Box box;
    box.bundle.linux()["resources"]["pids"]["limit"] = -1;
    Container container = sleeper(box);
    CHECK(content(cgroup_of(container.pid(), "pids") / "pids.max") == "max");
}

TEST_CASE("memory.limit: is set and works", "[cgroup][limits]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("memory"));
    Box box;
    const std::string limit = std::to_string(16 << 20);
    box.bundle.linux()["resources"]["memory"]["limit"] = 16 << 20;
    SECTION("it is written") {
        Container container = sleeper(box);
        const fs::path folder = cgroup_of(container.pid(), "memory");
        CHECK(content(folder / (v2() ? "memory.max" : "memory.limit_in_bytes")) == limit);
    }
    SECTION("less is fine") {
        CHECK(has_line(box.life({"alloc", "4000000"}).out, "alloc 4000000: ok"));
    }
    SECTION("more is not") {
        CHECK(box.life({"alloc", "64000000"}).code == -SIGKILL);
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("memory.limit: -1 means no limit", "[cgroup][limits]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("memory"));
    Box box;
    box.bundle.linux()["resources"]["memory"]["limit"] = -1;
    CHECK(box.life({"alloc", "64000000"}).code == 0);
}

TEST_CASE("memory.limit: far too low is an error or a killed program, never a hang",
          "[cgroup][limits]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("memory"));
    Box box;
    box.bundle.linux()["resources"]["memory"]["limit"] = GENERATE(1, 4096, 65536, 131072, 262144);
    CAPTURE(box.bundle.linux()["resources"]["memory"]["limit"].get<int>());
    Container container = box.try_create();
    if (container.created.code() == 0) {
        (void)box.call({"start", container.id()});
        wait_until_dead(container.pid());
        container.remove();
    } else {
        CHECK(container.created.err != "");
    }
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("memory.limit: the error of one that is too low says so", "[cgroup][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("memory"));
    Box box;
    box.bundle.linux()["resources"]["memory"]["limit"] = 4096;
    Container container = box.try_create();
    if (container.created.code() != 0) CHECK(contains(container.created.err, "memory"));
}

// The kernel frees some of what exec leaves only later, and on a busy machine much later: so there
// is some room. What is set up here takes megabytes.
TEST_CASE("memory.limit: a small program runs with 600 KiB, however much is set up",
          "[cgroup][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("memory"));
    Box box;
    box.bundle.linux()["resources"]["memory"]["limit"] = 600 << 10;
    for (int i = 0; i < 200; ++i) {
        box.bundle.add_mount(
            {{"destination", "/tmp/" + std::to_string(i)}, {"type", "tmpfs"}, {"source", "tmpfs"}});
    }
    const Outcome outcome = box.life({"echo", "here"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "here\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("memory.limit: with little memory the container is in its cgroups as any other",
          "[cgroup][limits]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("memory"));
    Box box;
    box.bundle.linux()["resources"]["memory"]["limit"] = 3 << 20;
    SECTION("all of them") {
        Container container = sleeper(box);
        CHECK(content(cgroup_of(container.pid(), "memory") / "cgroup.procs") ==
              std::to_string(container.pid()));
        CHECK(cgroup_of(container.pid(), "memory").string().ends_with("/" + box.name()));
        CHECK(content(cgroup_of(container.pid(), "pids") / "cgroup.procs") ==
              std::to_string(container.pid()));
    }
    SECTION("which are the roots of its cgroup namespace") {
        box.bundle.remove_namespace("cgroup").add_namespace("cgroup");
        const Outcome outcome = box.life({"cat", "/proc/self/cgroup"});
        for (const std::string& line : lines_of(outcome.out)) {
            CAPTURE(line);
            const bool second = line.starts_with("0::");
            if (second && environment().layout == CgroupLayout::kV1) continue;
            CHECK(line.ends_with(":/"));
        }
    }
    SECTION("also when its set-up fails") {
        box.bundle.add_mount({{"destination", "/x"}, {"type", "nosuchfs"}, {"source", "x"}});
        (void)box.refusal();
    }
    CHECK(find_cgroups(box.name() + "-setup").empty());
}

TEST_CASE("limits: without the controller they are an error that names the property",
          "[cgroup][limits][not-crun][not-runc]") {
    NEEDS(need_runtime());
    const std::string name = GENERATE(as<std::string>(), "memory", "pids");
    APPLIES(!has_controller(name));
    Box box;
    box.bundle.linux()["resources"][name]["limit"] = 100 << 20;
    CHECK(contains(box.refusal(), "/linux/resources/" + name));
}

TEST_CASE("resources: absent or empty is fine", "[cgroup][limits]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("absent") {
        box.bundle.linux().erase("resources");
    }
    SECTION("empty") {
        box.bundle.linux()["resources"] = Json::object();
    }
    SECTION("empty parts") {
        box.bundle.linux()["resources"] = {{"memory", Json::object()}, {"cpu", Json::object()}};
    }
    CHECK(box.life({"true"}).code == 0);
}
