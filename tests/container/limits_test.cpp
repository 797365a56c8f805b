// Every limit that this machine has, in one bundle, beside crun: the files of the two cgroups have
// to be the same.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

bool v2() {
    return environment().layout == CgroupLayout::kV2;
}

std::optional<std::string> need_crun() {
    if (auto missing = need_program("crun")) return missing;
    if (environment().runtime_name == "lxcri") return {};
    return "compares lxcri with crun";
}

// A whole disk of this machine: the rates are for it.
std::optional<std::pair<int, int>> find_disk() {
    for (const char* name : {"vda", "sda", "nvme0n1", "xvda", "loop0"}) {
        const Strings numbers = split(read_file(fs::path("/sys/block") / name / "dev"), ':');
        if (numbers.size() == 2) return std::pair{std::stoi(numbers[0]), std::stoi(numbers[1])};
    }
    return {};
}

void add_block_io(Json& resources) {
    const auto disk = find_disk();
    if (!disk || !has_controller(v2() ? "io" : "blkio")) return;
    const auto rate = [&](int value) {
        return Json::array({{{"major", disk->first}, {"minor", disk->second}, {"rate", value}}});
    };
    resources["blockIO"] = {{"throttleReadBpsDevice", rate(1 << 20)},
                            {"throttleWriteBpsDevice", rate(2 << 20)},
                            {"throttleReadIOPSDevice", rate(300)},
                            {"throttleWriteIOPSDevice", rate(400)}};
}

// What this view has a controller for. Nothing but what crun 1.8.1 knows.
Json every_limit() {
    Json resources;
    resources["devices"] = Json::array({{{"allow", false}, {"access", "rwm"}}});
    if (has_controller("memory")) {
        resources["memory"] = {
            {"limit", 128 << 20}, {"reservation", 64 << 20}, {"swap", 256 << 20}};
        if (!v2()) resources["memory"]["swappiness"] = 30;
    }
    if (has_controller("cpu")) {
        resources["cpu"] = {{"shares", 700}, {"quota", 45000}, {"period", 90000}};
    }
    if (has_controller("cpuset")) {
        resources["cpu"]["cpus"] = "0";
        resources["cpu"]["mems"] = "0";
    }
    if (has_controller("pids")) resources["pids"]["limit"] = 321;
    if (has_controller("hugetlb")) {
        resources["hugepageLimits"] = Json::array({{{"pageSize", "2MB"}, {"limit", 4 << 20}}});
    }
    if (!v2() && has_controller("net_cls")) resources["network"]["classID"] = 4660;
    add_block_io(resources);
    return resources;
}

// Files that say what happens, or who is there, rather than what is allowed.
bool is_limit(const fs::path& file) {
    const std::string name = file.filename();
    struct stat info {};
    if (stat(file.c_str(), &info) != 0 || (info.st_mode & 0200) == 0) return false;
    constexpr std::array kOther = {"procs",    "tasks", "threads", "usage",        "failcnt",
                                   "pressure", "event", "stat",    "reset_stats",  "force_empty",
                                   "reclaim",  "kill",  "peak",    "use_hierarchy"};
    return std::none_of(kOther.begin(), kOther.end(),
                        [&](const char* part) { return contains(name, part); });
}

// "memory.limit_in_bytes" -> its content, of all hierarchies.
std::map<std::string, std::string> limits_of(const Container& container) {
    std::map<std::string, std::string> limits;
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        const fs::path folder = hierarchy.mount_point / container.id();
        for (const std::string& name : names_in(folder)) {
            if (is_limit(folder / name)) limits[name] = read_file(folder / name);
        }
    }
    return limits;
}

}  // namespace

TEST_CASE("limits: every one is as crun sets it", "[cgroup][limits][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_crun());
    // crun refuses a host with both; version 2 is compared in limits_v2_test.cpp, as crun 1.8.1
    // converts some limits in an older way there.
    APPLIES(environment().layout == CgroupLayout::kV1);
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    box.bundle.linux()["resources"] = every_limit();
    INFO(box.bundle.linux()["resources"].dump());

    Container container = box.create();
    const auto ours = limits_of(container);
    CHECK(ours.size() > 5);
    container.kill("KILL");
    (void)container.wait();
    container.remove();

    const std::string root = (box / "crun").string();
    const std::string pid_file = (box / "crun.pid").string();
    const auto crun = [&](const Strings& arguments) {
        Strings command = {find_program("crun").string(), "--root", root};
        command.insert(command.end(), arguments.begin(), arguments.end());
        // A file: its container keeps what it has for output.
        const UniqueFd output(
            open((box / "crun.out").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        CommandOptions options;
        options.fds = {{output.get(), 1}, {output.get(), 2}};
        return run_command(command, options);
    };
    const Finished created = crun(
        {"create", "--bundle", box.bundle.path().string(), "--pid-file", pid_file, container.id()});
    const std::string said = read_file(box / "crun.out");
    if (created.code() != 0) {
        (void)crun({"delete", "--force", container.id()});
        destroy_cgroups(box.name());
    }
    INFO(said);
    REQUIRE(created.code() == 0);
    const auto theirs = limits_of(container);
    CHECK(crun({"delete", "--force", container.id()}).code() == 0);
    (void)wait_for_children(kDeadline);

    CHECK(theirs.size() == ours.size());
    for (const auto& [file, content] : theirs) {
        CAPTURE(file);
        const auto found = ours.find(file);
        CHECK((found == ours.end() ? "absent" : found->second) == content);
    }
    CHECK(box.leftovers() == Strings{});
}
