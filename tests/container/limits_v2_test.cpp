// linux.resources with every controller of cgroup version 2, which build machines seldom have: by
// the files of the cgroup, and by what becomes of a process that wants more.
#include <fcntl.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;
namespace os = lxcri::os;

namespace {

// cgroupfs and systemd.
CreateOptions any_driver(Box& box) {
    CreateOptions options;
    if (GENERATE(false, true)) {
        options.global = {"--systemd-cgroup"};
        box.bundle.linux()["cgroupsPath"] = "system.slice:lxcritest:" + box.name();
    }
    CAPTURE(options.global);
    return options;
}

Json& resources(Box& box) {
    return box.bundle.linux()["resources"];
}

// Debian's static busybox instead of the probe.
void run_shell(Box& box, const std::string& script) {
    fs::copy_file(find_program("busybox"), box.bundle.in_rootfs("busybox"));
    box.bundle.process()["args"] = {"/busybox", "sh", "-c", script};
}

// Without the newlines around it.
std::string content(const fs::path& file) {
    std::string text = read_file(file);
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

std::uint64_t count_in(const fs::path& file, const std::string& key) {
    const std::string value = line_after(read_file(file), key + " ");
    return value.empty() ? 0 : std::stoull(value);
}

std::string disk() {
    return content("/sys/block/vda/dev");  // "254:0"
}

int major_of(const std::string& device) {
    return std::stoi(device);
}

int minor_of(const std::string& device) {
    return std::stoi(device.substr(device.find(':') + 1));
}

Json throttle(std::uint64_t rate) {
    return Json::array(
        {{{"major", major_of(disk())}, {"minor", minor_of(disk())}, {"rate", rate}}});
}

// All that crun 1.8.1 converts in the same way; it has an older formula for shares.
Json every_limit() {
    return {
        {"memory", {{"limit", 64 << 20}, {"reservation", 32 << 20}, {"swap", 96 << 20}}},
        {"cpu", {{"quota", 40000}, {"period", 80000}, {"cpus", "0-1"}, {"mems", "0"}}},
        {"pids", {{"limit", 77}}},
        {"blockIO",
         {{"weight", 300},
          {"throttleReadBpsDevice", throttle(1 << 20)},
          {"throttleWriteBpsDevice", throttle(2 << 20)},
          {"throttleReadIOPSDevice", throttle(300)},
          {"throttleWriteIOPSDevice", throttle(400)}}},
        {"hugepageLimits", Json::array({{{"pageSize", "2MB"}, {"limit", 4 << 20}}})},
        {"unified", {{"memory.high", "50331648"}, {"memory.oom.group", "1"}}},
    };
}

constexpr const char* kLimitFiles[] = {
    "memory.max",       "memory.low", "memory.high", "memory.swap.max",
    "memory.oom.group", "cpu.max",    "cpuset.cpus", "cpuset.mems",
    "pids.max",         "io.weight",  "io.max",      "hugetlb.2MB.max",
};

std::vector<std::string> limits_of(pid_t pid) {
    const fs::path directory = cgroup_of(pid, "pids");
    std::vector<std::string> limits;
    for (const char* file : kLimitFiles) {
        limits.push_back(std::string(file) + ": " + content(directory / file));
    }
    return limits;
}

}  // namespace

TEST_CASE("limits: every one is in its file", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    resources(box) = every_limit();
    resources(box)["cpu"]["shares"] = 2048;
    resources(box)["cpu"]["burst"] = 10000;
    Container container = box.create(options);
    const fs::path directory = cgroup_of(container.pid(), "pids");
    const std::pair<const char*, std::string> expected[] = {
        {"memory.max", "67108864"},
        {"memory.low", "33554432"},
        {"memory.high", "50331648"},
        {"memory.swap.max", "33554432"},
        {"memory.oom.group", "1"},
        {"cpu.max", "40000 80000"},
        {"cpu.max.burst", "10000"},
        {"cpu.weight", "174"},
        {"cpuset.cpus", "0-1"},
        {"cpuset.mems", "0"},
        {"pids.max", "77"},
        {"io.weight", "default 2930"},
        {"io.max", disk() + " rbps=1048576 wbps=2097152 riops=300 wiops=400"},
        {"hugetlb.2MB.max", "4194304"},
    };
    for (const auto& [file, value] : expected) {
        CAPTURE(file);
        CHECK(content(directory / file) == value);
    }
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("limits: the same as crun sets for the same bundle", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    NEEDS(need_program("crun"));
    Box box;
    resources(box) = every_limit();
    Container container = box.create();
    const auto ours = limits_of(container.pid());
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);

    const Strings crun = {find_program("crun"), "--root", box / "crun"};
    const fs::path pid_file = box / "crun.pid";
    Strings create = crun;
    for (const std::string& word :
         {std::string("create"), std::string("--bundle"), box.bundle.path().string(),
          std::string("--pid-file"), pid_file.string(), box.name()}) {
        create.push_back(word);
    }
    // Its container keeps what it gets as its output.
    const os::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    Process creating(create, {.fds = {{null.get(), 1}, {null.get(), 2}}});
    REQUIRE(creating.wait_exit_only().code() == 0);
    const auto theirs = limits_of(static_cast<pid_t>(std::stol(read_file(pid_file))));
    Strings remove = crun;
    for (const std::string& word : {std::string("delete"), std::string("--force"), box.name()}) {
        remove.push_back(word);
    }
    CHECK(run_command(remove).code() == 0);
    CHECK(ours == theirs);
}

TEST_CASE("limits: cpu.idle", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    resources(box)["cpu"]["idle"] = 1;
    Container container = box.create(options);
    CHECK(content(cgroup_of(container.pid(), "pids") / "cpu.idle") == "1");
}

TEST_CASE("limits: an rdma device that is not there is an error with property and file",
          "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    resources(box)["rdma"]["nowhere0"]["hcaHandles"] = 3;
    const std::string error = box.refusal();
    CHECK(contains(error, "/linux/resources/rdma/nowhere0"));
    CHECK(contains(error, "rdma.max"));
}

TEST_CASE("limits: a process above its memory limit dies, and that can be seen", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    resources(box)["memory"] = {{"limit", 16 << 20}, {"swap", 16 << 20}};
    // The first process lives on: the cgroup stays, as it does for those who read it.
    run_shell(box, "/probe alloc 64000000; echo status=$?; /probe trap TERM 0");
    Container container = box.create(options);
    container.start();
    container.out().wait_for("ready");
    CHECK(contains(container.out().text(), "status=137"));
    CHECK(count_in(cgroup_of(container.pid(), "pids") / "memory.events", "oom_kill") == 1);
    CHECK(container.status() == "running");
    container.kill("KILL");
    CHECK(container.wait_code() == -SIGKILL);
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("limits: a fork bomb stops at pids.limit, and ends", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    resources(box)["pids"]["limit"] = 20;
    run_shell(box, "bomb() { bomb | bomb & }; echo go; bomb 2>/dev/null; /probe trap TERM 0");
    Container container = box.create(options);
    const fs::path directory = cgroup_of(container.pid(), "pids");
    container.start();
    container.out().wait_for("go");
    let_time_pass(std::chrono::milliseconds(500));
    CHECK(std::stoi(content(directory / "pids.peak").empty()
                        ? content(directory / "pids.current")
                        : content(directory / "pids.peak")) <= 20);
    CHECK(count_in(directory / "pids.events", "max") > 0);
    container.kill("KILL");
    (void)container.wait();
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("limits: cpu.quota throttles", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    resources(box)["cpu"] = {{"quota", 10000}, {"period", 100000}};
    run_shell(box,
              "i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; echo done; /probe trap TERM 0");
    Container container = box.create(options);
    const fs::path stat = cgroup_of(container.pid(), "pids") / "cpu.stat";
    const std::uint64_t before = count_in(stat, "nr_throttled");
    container.start();
    container.out().wait_for("ready");
    CHECK(count_in(stat, "nr_throttled") > before);
}

TEST_CASE("limits: cpus are those of the process", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    resources(box)["cpu"]["cpus"] = "1";
    CHECK(contains(box.life({"status"}, options).out, "Cpus_allowed_list:\t1\n"));
}

TEST_CASE("limits: reading from a disk takes its time", "[limits][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    const CreateOptions options = any_driver(box);
    const std::string device = disk();
    resources(box)["blockIO"]["throttleReadBpsDevice"] = throttle(1 << 20);
    resources(box)["devices"] = Json::array({{{"allow", true},
                                              {"type", "b"},
                                              {"major", major_of(device)},
                                              {"minor", minor_of(device)},
                                              {"access", "rm"}}});
    box.bundle.linux()["devices"] = Json::array({{{"path", "/dev/disk"},
                                                  {"type", "b"},
                                                  {"major", major_of(device)},
                                                  {"minor", minor_of(device)},
                                                  {"fileMode", 0444}}});
    run_shell(box, "exec /busybox dd if=/dev/disk of=/dev/null bs=1M count=3 iflag=direct");
    Container container = box.create(options);
    const auto begin = std::chrono::steady_clock::now();
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(1900));
}
