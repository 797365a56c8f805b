// The directories of a container: made, entered, removed.

#include "cgroup/container_cgroup.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cgroup/events.h"
#include "cgroup/marks.h"
#include "cgroup_fixture.h"
#include "unit/os/temp_dir.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;

// Is the process where the record says?
bool is_member(const ContainerCgroup& cgroup, pid_t pid) {
    for (const Directory& directory : cgroup.record().directories) {
        const auto pids = split(read_value(directory.path + "/cgroup.procs"), '\n');
        if (std::find(pids.begin(), pids.end(), std::to_string(pid)) == pids.end()) return false;
    }
    return true;
}

bool all_exist(const Record& record) {
    return std::all_of(record.directories.begin(), record.directories.end(),
                       [](const Directory& directory) { return exists(directory.path); });
}

bool none_exists(const Record& record) {
    return std::none_of(record.directories.begin(), record.directories.end(),
                        [](const Directory& directory) { return exists(directory.path); });
}

TEST_CASE("cgroup: made in every hierarchy, entered by clone, removed", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        CHECK(cgroup.record().directories.size() == ground.layout().hierarchies.size());
        CHECK(all_exist(cgroup.record()));
        CHECK_FALSE(cgroup.is_populated());
        {
            const auto child = start_sleeper(cgroup);
            CHECK(eventually([&] { return is_member(cgroup, child.pid()); }));
            CHECK(cgroup.is_populated());
            CHECK(cgroup.processes() == std::vector<pid_t>{child.pid()});
        }
        cgroup.remove(in_seconds(5));
        CHECK(none_exists(cgroup.record()));
        CHECK_NOTHROW(cgroup.remove(in_seconds(5)));
        CHECK(cgroup.processes().empty());
    }
}

TEST_CASE("cgroup: entered by a process that others move", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        auto other = os::fork_child();
        if (!other) sleep_for_ever();
        cgroup.add_process(other->pid());
        CHECK(is_member(cgroup, other->pid()));
    }
}

TEST_CASE("cgroup: opened again from its record", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::host);
    const auto made = ground.create();
    const auto child = start_sleeper(made);
    const auto opened = ContainerCgroup::open(made.record());
    CHECK(opened.processes() == std::vector<pid_t>{child.pid()});
    // A later cgroup of the same name is not ours.
    Record other = made.record();
    for (Directory& directory : other.directories) {
        if (directory.inode != 0) ++directory.inode;
    }
    CHECK(ContainerCgroup::open(other).processes().empty());
    CHECK(ContainerCgroup::open(other).kill_all_and_wait(in_seconds(1)));
    CHECK(opened.processes().size() == 1);
    CHECK(ContainerCgroup::open({}).processes().empty());
    CHECK_NOTHROW(ContainerCgroup::open({}).remove(in_seconds(1)));
}

TEST_CASE("cgroup: an existing one is taken when it is empty, refused when it is in use",
          "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto first = ground.create();
        CHECK_NOTHROW(ground.create());
        {
            const auto child = start_sleeper(first);
            CHECK_THROWS_WITH(ground.create(), Catch::Contains("has processes") &&
                                                   Catch::Contains(std::to_string(child.pid())));
            CHECK(all_exist(first.record()));
        }
        first.freeze(in_seconds(5));
        CHECK_THROWS_WITH(ground.create(), Catch::Contains("is frozen"));
        first.thaw(in_seconds(5));
        CHECK_NOTHROW(ground.create());
    }
}

TEST_CASE("cgroup: a failed create leaves nothing", "[root]") {
    if (!have_cgroups()) return;
    const Layout layout = layout_of(View::host);
    if (layout.hierarchies.size() < 2) return not_applicable("one hierarchy only");
    const Playground ground(View::host);
    // The last hierarchy refuses.
    Layout last = layout;
    last.hierarchies.erase(last.hierarchies.begin(), last.hierarchies.end() - 1);
    const auto occupied = ContainerCgroup::create(last, ground.below("a/b"));
    auto child = os::fork_child();
    if (!child) sleep_for_ever();
    occupied.add_process(child->pid());
    CHECK_THROWS_WITH(ContainerCgroup::create(layout, ground.below("a/b")),
                      Catch::Contains("has processes"));
    for (const Hierarchy& hierarchy : layout.hierarchies) {
        const std::string path = concat(hierarchy.mount_point, "/", ground.name());
        CHECK(exists(path) == (hierarchy.mount_point == last.hierarchies[0].mount_point));
    }
    child->kill_and_reap();
    occupied.remove(in_seconds(5));
}

TEST_CASE("cgroup: parents go with the last container, those of others stay", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const std::string top =
            concat(ground.layout().hierarchies[0].mount_point, "/", ground.name());
        const auto first = ContainerCgroup::create(ground.layout(), ground.below("pod/first"));
        const auto second = ContainerCgroup::create(ground.layout(), ground.below("pod/second"));
        first.remove(in_seconds(5));
        CHECK(exists(top + "/pod/second"));
        // As `delete` does it after a crash: by a record that knows paths only.
        ContainerCgroup::open(cgroup::planned_record(ground.layout(), ground.below("pod/second")))
            .remove(in_seconds(5));
        CHECK_FALSE(exists(top));

        REQUIRE(::mkdir(top.c_str(), 0755) == 0);
        const auto third = ContainerCgroup::create(ground.layout(), ground.below("third"));
        third.remove(in_seconds(5));
        CHECK(exists(top));
    }
}

TEST_CASE("cgroup: parents go also after a kill in the middle of making or removing", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto path = [&](const std::string& below) {
            return concat(ground.layout().hierarchies[0].mount_point, "/", ground.below(below));
        };
        // Killed between mkdir(2) and the mark.
        const auto planned =
            cgroup::planned_record(ground.layout(), ground.below("pod/inner/container"));
        const std::string top =
            concat(ground.layout().hierarchies[0].mount_point, "/", ground.name());
        CHECK(planned.directories[0].first_missing == top);
        REQUIRE(::mkdir(top.c_str(), 0755) == 0);
        REQUIRE(::mkdir(path("pod").c_str(), 0755) == 0);
        ContainerCgroup::open(planned).remove(in_seconds(5));
        CHECK_FALSE(exists(top));

        // Killed after the first rmdir(2).
        const auto made = ContainerCgroup::create(ground.layout(), ground.below("pod/inner/one"));
        REQUIRE(::rmdir(path("pod/inner/one").c_str()) == 0);
        REQUIRE(::rmdir(path("pod/inner").c_str()) == 0);
        made.remove(in_seconds(5));
        CHECK_FALSE(exists(top));
    }
}

TEST_CASE("cgroup: one that belongs to a container is not given to another", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const TempDir temp;
        const std::string owner = temp / "first";
        const std::string other = temp / "second";
        std::filesystem::create_directories(owner);
        const Playground ground(view);
        const auto first = ContainerCgroup::create(ground.layout(), ground.below("a"), owner);
        CHECK(cgroup::find_owner(first.record().directories[0].path) == owner);
        CHECK_THROWS_WITH(ContainerCgroup::create(ground.layout(), ground.below("a"), other),
                          Catch::StartsWith("/linux/cgroupsPath: ") &&
                              Catch::Contains("belongs to the container \"first\""));
        CHECK(exists(first.record().directories[0].path));
        // The same one, after a create that was killed; and any other, when the first has gone.
        CHECK_NOTHROW(ContainerCgroup::create(ground.layout(), ground.below("a"), owner));
        std::filesystem::remove(owner);
        const auto second = ContainerCgroup::create(ground.layout(), ground.below("a"), other);

        // Found by the mark alone, in every hierarchy.
        const auto found = cgroup::find_owned(ground.layout(), other);
        REQUIRE(found.size() == 1);
        CHECK(found[0].directories.size() == ground.layout().hierarchies.size());
        CHECK(found[0].directories[0].path == second.record().directories[0].path);
        CHECK(found[0].directories[0].inode == second.record().directories[0].inode);
        CHECK(cgroup::find_owned(ground.layout(), owner).empty());
        ContainerCgroup::open(found[0]).remove(in_seconds(5));
        CHECK_FALSE(exists(second.record().directories[0].path));
    }
}

TEST_CASE("cgroup: a later one of the same name is neither killed nor removed", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto first = ground.create();
        for (const auto& directory : first.record().directories) {
            REQUIRE(::rmdir(directory.path.c_str()) == 0);
        }
        const auto second = ground.create();
        first.remove(in_seconds(5));
        for (const auto& directory : second.record().directories) CHECK(exists(directory.path));
        const auto child = start_sleeper(second);
        first.signal_all(SIGKILL, in_seconds(5));
        CHECK(first.kill_all_and_wait(in_seconds(5)));
        first.remove(in_seconds(1));
        CHECK(second.is_populated());
    }
}

TEST_CASE("cgroup: a frozen child that cannot be killed is given up at the deadline", "[root]") {
    if (!have_cgroups()) return;
    // What is frozen with version 2 can be killed.
    if (layout_of(View::v1).find_v1("freezer") == nullptr) return not_applicable("no freezer");
    const Playground ground(View::v1);
    const auto cgroup = ground.create();
    auto child = start_sleeper(cgroup);
    const pid_t pid = child.pid();
    cgroup.freeze(in_seconds(5));
    const auto begin = os::Clock::now();
    CHECK_FALSE(child.kill_and_reap(begin + std::chrono::milliseconds(50)));
    CHECK(os::Clock::now() - begin < std::chrono::seconds(5));
    CHECK_FALSE(child.running());
    cgroup.thaw(in_seconds(5));
    CHECK(os::reap(pid).describe() == "was killed by signal 9 (SIGKILL)");
}

TEST_CASE("cgroup: what the container made below goes too, however deep", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : {View::v1, View::v2}) {
        if (layout_of(view).hierarchies.empty()) continue;
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        const Directory& directory = cgroup.record().directories.back();
        os::UniqueFd deep = os::open_at(AT_FDCWD, directory.path, O_PATH | O_DIRECTORY);
        for (int depth = 0; depth < 60; ++depth) {
            for (const char* name : {"a name with blanks", "-rf", "...", "\x1b[31m"}) {
                REQUIRE(::mkdirat(deep.get(), name, 0755) == 0);
            }
            REQUIRE(::mkdirat(deep.get(), std::string(200, 'x').c_str(), 0755) == 0);
            deep = os::open_at(deep.get(), std::string(200, 'x'), O_PATH | O_DIRECTORY);
        }
        // The path has 12 000 bytes by now, more than PATH_MAX.
        deep.reset();
        cgroup.remove(in_seconds(20));
        CHECK(none_exists(cgroup.record()));
    }
}

TEST_CASE("cgroup: removing waits for a process that ends, and not longer than it may", "[root]") {
    if (!have_cgroups()) return;
    for (const View view : views()) {
        INFO(name_of(view));
        const Playground ground(view);
        const auto cgroup = ground.create();
        auto child = start_sleeper(cgroup);
        REQUIRE(eventually([&] { return is_member(cgroup, child.pid()); }));
        const auto soon = os::Clock::now() + std::chrono::milliseconds(50);
        CHECK_THROWS_WITH(cgroup.remove(soon), Catch::Contains("cannot be removed") &&
                                                   Catch::Contains(std::to_string(child.pid())));
        CHECK(os::Clock::now() >= soon);
        auto killer = os::fork_child();
        if (!killer) {
            ::usleep(100000);
            ::kill(child.pid(), SIGKILL);
            ::_exit(0);
        }
        cgroup.remove(in_seconds(10));
        CHECK(none_exists(cgroup.record()));
    }
}

TEST_CASE("cgroup: a stray in one hierarchy is killed where that is asked for", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::v1);
    if (ground.layout().find_v1("pids") == nullptr) return not_applicable("no pids controller");
    const auto cgroup = ground.create();
    auto stray = os::fork_child();
    if (!stray) sleep_for_ever();
    os::write_value_at(AT_FDCWD, cgroup.find_v1("pids")->path + "/cgroup.procs",
                       std::to_string(stray->pid()));
    CHECK(cgroup.kill_all_and_wait(in_seconds(5)));
    cgroup.remove(in_seconds(5), Leftovers::kill);
    CHECK(none_exists(cgroup.record()));
    CHECK(stray->wait()->is_signal());
}

TEST_CASE("cgroup: many at once below one parent", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::host);
    std::vector<os::ChildProcess> workers;
    for (int worker = 0; worker < 6; ++worker) {
        auto child = os::fork_child();
        if (!child) {
            int status = 0;
            try {
                for (int round = 0; round < 20; ++round) {
                    const auto cgroup = ContainerCgroup::create(
                        ground.layout(), ground.below(concat("p/", std::to_string(worker))));
                    const auto member = start_sleeper(cgroup);
                    if (!cgroup.kill_all_and_wait(in_seconds(20))) status = 1;
                    cgroup.remove(in_seconds(20));
                }
            } catch (const Error& error) {
                std::fprintf(stderr, "%s\n", error.what());
                status = 2;
            }
            ::_exit(status);
        }
        workers.push_back(std::move(*child));
    }
    for (auto& worker : workers) CHECK(worker.wait(in_seconds(60))->success());
    for (const Hierarchy& hierarchy : ground.layout().hierarchies) {
        CHECK_FALSE(exists(concat(hierarchy.mount_point, "/", ground.name())));
    }
}

TEST_CASE("cgroup: given away, with the files that go with it and no others", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::host);
    const auto cgroup = ground.create();
    cgroup.give_to(12345);
    const auto owner = [](const std::string& path) {
        struct stat info {};
        return ::stat(path.c_str(), &info) == 0 ? info.st_uid : 0;
    };
    for (const Directory& directory : cgroup.record().directories) {
        const uid_t expected = directory.version == 2 ? 12345 : 0;
        CHECK(owner(directory.path) == expected);
        CHECK(owner(directory.path + "/cgroup.procs") == expected);
        CHECK(owner(directory.path + "/cgroup.freeze") == 0);
    }
}

TEST_CASE("cgroup: a version 2 controller that the host lacks", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::v2);
    if (ground.layout().hierarchies.empty()) return not_applicable("no cgroup version 2");
    auto cgroup = ContainerCgroup::create(ground.layout(), ground.below("a/b"));
    const std::vector<std::string> wanted = {"nonsense"};
    CHECK_THROWS_WITH(cgroup.enable_controllers(wanted), Catch::Contains("nonsense"));
    const std::string root = ground.layout().hierarchies[0].mount_point;
    const auto available = split(read_value(root + "/cgroup.controllers"), ' ');
    cgroup.enable_controllers(std::vector<std::string>());
    if (available[0].empty()) return;
    const std::vector<std::string> one = {available.back()};
    cgroup.enable_controllers(one);
    CHECK(cgroup.find_controller(one[0]) == cgroup.find_v2());
    CHECK(cgroup.find_controller("nonsense") == nullptr);
}

TEST_CASE("cgroup: cgroup.events of one that is removed while it is opened is none", "[root]") {
    if (!have_cgroups() || layout_of(View::v2).hierarchies.empty()) return;
    const Playground ground(View::v2);
    const auto cgroup = ground.create();
    const std::string path = cgroup.record().directories.front().path + "/cgroup.events";
    const os::UniqueFd file = os::open_at(AT_FDCWD, path, O_PATH);
    cgroup.remove(in_seconds(5));
    // The name has been found, the file is opened: as it is when the cgroup goes in between.
    const TempDir temp;
    std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(file.get()),
                                    temp / "cgroup.events");
    const os::UniqueFd dir = os::open_at(AT_FDCWD, (temp / "").string(), O_PATH | O_DIRECTORY);
    CHECK(::openat(dir.get(), "cgroup.events", O_RDONLY | O_CLOEXEC) == -1);
    CHECK(errno == ENODEV);
    CHECK_FALSE(EventsFile::find(dir.get()));
}

}  // namespace
