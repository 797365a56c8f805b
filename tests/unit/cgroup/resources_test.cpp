// /linux/resources: what is written where, and what is refused.

#include "cgroup/resources.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>

#include "cgroup_fixture.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;
using oci::Resources;

template <class Change>
Resources resources(Change change) {
    Resources result;
    change(result);
    return result;
}

// The message of the SpecError; "" when there is none.
template <class Action>
std::string spec_error(Action action) {
    try {
        action();
    } catch (const SpecError& error) {
        return error.what();
    }
    return "";
}

Layout legacy(const std::vector<std::string>& controllers) {
    Layout layout;
    layout.mode = Mode::legacy;
    for (const std::string& controller : controllers) {
        layout.hierarchies.push_back({1, "/nowhere/" + controller, {controller}});
    }
    return layout;
}

Layout unified_without_controllers() {
    Layout layout;
    layout.mode = Mode::unified;
    layout.hierarchies.push_back({2, "/nowhere", {}});
    return layout;
}

// ---- without a cgroup -----------------------------------------------------------------------

TEST_CASE("resources: nothing asked, nothing refused") {
    CHECK(check_resources({}, {}).empty());
    CHECK(check_resources(unified_without_controllers(), {}).empty());
    // What callers send for "not set".
    const Resources unset = resources([](Resources& r) {
        r.memory.limit = 0;
        r.memory.swap = 0;
        r.memory.disable_oom_killer = false;
        r.cpu.shares = 0;
        r.cpu.quota = 0;
        r.cpu.period = 0;
        r.cpu.realtime_period = 0;
        r.cpu.realtime_runtime = 0;
        r.cpu.cpus = "";
        r.cpu.mems = "";
        r.block_io.weight = 0;
        r.block_io.leaf_weight = 0;
        r.pids.limit = 0;
        r.network.class_id = 0;
    });
    CHECK(check_resources({}, unset).empty());
    CHECK(check_resources(unified_without_controllers(), unset).empty());
}

TEST_CASE("resources: a controller that the host lacks is named with the property") {
    const auto message = [](const Layout& layout, auto change) {
        return spec_error([&] { (void)check_resources(layout, resources(change)); });
    };
    const auto limit = [](Resources& r) { r.memory.limit = 1 << 20; };
    CHECK(message(unified_without_controllers(), limit) ==
          "/linux/resources/memory/limit: this host has no cgroup controller \"memory\"");
    CHECK(message(legacy({"pids"}), limit) ==
          "/linux/resources/memory/limit: this host has no cgroup controller \"memory\"");
    CHECK(message(legacy({"memory"}), limit).empty());
    CHECK(
        message(legacy({"memory"}), [](Resources& r) { r.block_io.weight = 100; }) ==
        "/linux/resources/blockIO/weight: this host has no cgroup controller \"blkio\" (version 1) "
        "or \"io\" (version 2)");
    CHECK(message(legacy({"memory"}), [](Resources& r) { r.network.class_id = 1; }) ==
          "/linux/resources/network/classID: this host has no version 1 controller \"net_cls\"");
    CHECK(
        message(legacy({"memory"}), [](Resources& r) { r.unified["memory.high"] = "100000"; }) ==
        "/linux/resources/unified/memory.high: this host has cgroup version 1 only, and this is a "
        "file of version 2");
    CHECK(message(unified_without_controllers(),
                  [](Resources& r) { r.unified["memory.high"] = "100000"; }) ==
          "/linux/resources/unified/memory.high: this host has no version 2 controller \"memory\"");
    CHECK(message(unified_without_controllers(), [](Resources& r) {
              r.unified["cgroup.max.depth"] = "100";
          }).empty());
    CHECK(message({}, [](Resources& r) { r.pids.limit = 5; }) ==
          "/linux/resources/pids/limit: this host has no cgroup controller \"pids\"");
    CHECK(spec_error([&] {
              (void)check_resources({}, resources(limit), "");
          }).starts_with("/memory/limit: "));
}

TEST_CASE("resources: what version 2 does not have") {
    const Layout layout = unified_without_controllers();
    // Found before the missing controller is.
    const auto message = [&](auto change) {
        return spec_error([&] { (void)check_resources(layout, resources(change)); });
    };
    CHECK(message([](Resources& r) { r.memory.use_hierarchy = false; }) != "");
    CHECK(message([](Resources& r) { r.memory.swappiness = 60; }) != "");
    CHECK(message([](Resources& r) { r.memory.disable_oom_killer = true; }) != "");
    CHECK(message([](Resources& r) { r.cpu.realtime_runtime = 1000; }) != "");
    CHECK(message([](Resources& r) { r.block_io.leaf_weight = 100; }) != "");
    const auto warnings =
        check_resources(layout, resources([](Resources& r) { r.memory.kernel = 1 << 20; }));
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].starts_with("/linux/resources/memory/kernel: "));
}

// ---- version 1 ------------------------------------------------------------------------------

// A container's cgroup in version 1, limited and looked at.
class LimitedV1 {
  public:
    LimitedV1() : ground_(View::v1), cgroup_(ground_.create()) {}
    static bool possible(const std::string& controller) {
        if (!have_cgroups()) return false;
        if (layout_of(View::v1).find_v1(controller) != nullptr) return true;
        not_applicable("no version 1 controller " + controller);
        return false;
    }
    template <class Change>
    std::string apply(Change change) {
        return spec_error([&] { apply_late(cgroup_, resources(change)); });
    }
    template <class Change>
    std::string update(Change change) {
        return spec_error([&] { apply_update(cgroup_, resources(change)); });
    }
    std::string value(const std::string& controller, const std::string& file) const {
        return read_value(concat(cgroup_.find_v1(controller)->path, "/", file));
    }
    bool has(const std::string& controller, const std::string& file) const {
        return exists(concat(cgroup_.find_v1(controller)->path, "/", file));
    }
    const ContainerCgroup& cgroup() const { return cgroup_; }

  private:
    Playground ground_;
    ContainerCgroup cgroup_;
};

TEST_CASE("resources v1: pids", "[root]") {
    if (!LimitedV1::possible("pids")) return;
    LimitedV1 limited;
    CHECK(limited.apply([](Resources& r) { r.pids.limit = 17; }) == "");
    CHECK(limited.value("pids", "pids.max") == "17");
    CHECK(limited.apply([](Resources& r) { r.pids.limit = 0; }) == "");
    CHECK(limited.value("pids", "pids.max") == "17");
    CHECK(limited.apply([](Resources& r) { r.pids.limit = -1; }) == "");
    CHECK(limited.value("pids", "pids.max") == "max");
    CHECK(limited.apply([](Resources& r) { r.pids.limit = 9999999999; }) == "");
    CHECK(limited.value("pids", "pids.max") == "max");
    // And it holds.
    CHECK(limited.apply([](Resources& r) { r.pids.limit = 2; }) == "");
    auto child = start_member(limited.cgroup(), [] {
        int forks = 0;
        while (forks < 5) {
            const pid_t pid = ::fork();
            if (pid == 0) sleep_for_ever();
            if (pid == -1) break;
            ++forks;
        }
        return forks;
    });
    CHECK(child.wait()->value() == 1);
}

TEST_CASE("resources v1: memory limit and swap, up and down", "[root]") {
    if (!LimitedV1::possible("memory")) return;
    LimitedV1 limited;
    constexpr const char* kLimit = "memory.limit_in_bytes";
    constexpr const char* kSwap = "memory.memsw.limit_in_bytes";
    const bool has_swap = limited.has("memory", kSwap);
    const auto set = [&](std::int64_t limit, std::int64_t swap) {
        return limited.update([&](Resources& r) {
            if (limit != 0) r.memory.limit = limit;
            if (swap != 0) r.memory.swap = swap;
        });
    };
    constexpr std::int64_t kMiB = 1 << 20;
    const auto in_mib = [&](const char* file) {
        return std::stoll(limited.value("memory", file)) / kMiB;
    };
    CHECK(set(64 * kMiB, 0) == "");
    CHECK(in_mib(kLimit) == 64);
    for (const auto& [limit, swap] : std::vector<std::pair<int, int>>{
             {64, 64}, {128, 256}, {32, 32}, {48, 48}, {16, 400}, {500, 600}, {8, 8}}) {
        INFO(limit << " " << swap);
        CHECK(set(limit * kMiB, swap * kMiB) == "");
        CHECK(in_mib(kLimit) == limit);
        if (has_swap) CHECK(in_mib(kSwap) == swap);
    }
    if (has_swap) {
        // Above memory and swap together, and these below memory.
        CHECK_THAT(set(100 * kMiB, 0), Catch::StartsWith("/linux/resources/memory/limit: write "));
        CHECK_THAT(set(0, 4 * kMiB), Catch::StartsWith("/linux/resources/memory/swap: write "));
        CHECK(set(0, -1) == "");
        CHECK(in_mib(kLimit) == 8);
        CHECK(in_mib(kSwap) > 1 << 30);
        CHECK(set(0, 8 * kMiB) == "");
    }
    CHECK(set(-1, 0) == "");
    CHECK(in_mib(kLimit) > 1 << 30);
}

TEST_CASE("resources v1: the rest of memory", "[root]") {
    if (!LimitedV1::possible("memory")) return;
    LimitedV1 limited;
    CHECK(limited.apply([](Resources& r) {
        r.memory.reservation = 32 << 20;
        r.memory.swappiness = 77;
        r.memory.disable_oom_killer = true;
        r.memory.use_hierarchy = true;
        r.memory.kernel = 1 << 30;
        r.memory.kernel_tcp = 1 << 30;
    }) == "");
    CHECK(limited.value("memory", "memory.soft_limit_in_bytes") == std::to_string(32 << 20));
    CHECK(limited.value("memory", "memory.swappiness") == "77");
    CHECK_THAT(limited.value("memory", "memory.oom_control"),
               Catch::StartsWith("oom_kill_disable 1"));
    CHECK(limited.update([](Resources& r) {
        r.memory.reservation = -1;
        r.memory.swappiness = 0;
        r.memory.disable_oom_killer = false;
        r.memory.use_hierarchy = true;
    }) == "");
    CHECK(limited.value("memory", "memory.swappiness") == "0");
    CHECK_THAT(limited.value("memory", "memory.oom_control"),
               Catch::StartsWith("oom_kill_disable 0"));
    CHECK_THAT(limited.apply([](Resources& r) { r.memory.use_hierarchy = false; }),
               Catch::StartsWith("/linux/resources/memory/useHierarchy: write \"0\" to "));
}

// Uses so much memory, says so, and waits.
os::ChildProcess start_user(const ContainerCgroup& cgroup, std::size_t bytes) {
    std::array<int, 2> ready{};
    REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
    const os::UniqueFd reader(ready[0]);
    os::UniqueFd writer(ready[1]);
    auto child = start_member(cgroup, [&] {
        void* memory =
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::memset(memory, 1, bytes);
        (void)!::write(writer.get(), "x", 1);
        return sleep_for_ever();
    });
    writer.reset();
    char byte = 0;
    (void)!::read(reader.get(), &byte, 1);
    return child;
}

TEST_CASE("resources: a memory limit below what is in use", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::host);
    auto cgroup = ground.create();
    const Resources limit = resources([](Resources& r) { r.memory.limit = 1 << 20; });
    if (spec_error([&] { (void)check_resources(ground.layout(), limit); }) != "") {
        return not_applicable("no memory controller");
    }
    apply_early(cgroup, limit);
    const auto child = start_user(cgroup, 8U << 20U);
    const std::string message = spec_error([&] { apply_late(cgroup, limit); });
    CHECK_THAT(message,
               Catch::StartsWith("/linux/resources/memory/limit: the memory limit 1048576 is "
                                 "too low: "));
    CHECK_THAT(message, Catch::Contains(" bytes are in use (\""));
    CHECK(child.running());
    CHECK(cgroup.oom_kills() == 0);
}

TEST_CASE("resources: the kernel kills for want of memory, and that is counted", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::host);
    auto cgroup = ground.create();
    const Resources limit = resources([](Resources& r) {
        r.memory.limit = 4 << 20;
        r.memory.swap = 4 << 20;
    });
    if (spec_error([&] { (void)check_resources(ground.layout(), limit); }) != "") {
        return not_applicable("no memory controller");
    }
    apply_early(cgroup, limit);
    apply_late(cgroup, limit);
    CHECK(cgroup.oom_kills() == 0);
    auto child = start_user(cgroup, 16U << 20U);
    CHECK(child.wait(in_seconds(10))->is_signal());
    CHECK(cgroup.oom_kills() == 1);
}

TEST_CASE("resources v1: cpu", "[root]") {
    if (!LimitedV1::possible("cpu")) return;
    LimitedV1 limited;
    const auto cpu = [&](auto change) {
        return limited.update([&](Resources& r) { change(r.cpu); });
    };
    CHECK(cpu([](oci::Cpu& c) { c.shares = 512; }) == "");
    CHECK(limited.value("cpu", "cpu.shares") == "512");
    CHECK(cpu([](oci::Cpu& c) { c.shares = 1; }) == "");
    CHECK(limited.value("cpu", "cpu.shares") == "2");
    CHECK(cpu([](oci::Cpu& c) { c.shares = 300000; }) == "");
    CHECK(limited.value("cpu", "cpu.shares") == "262144");
    if (limited.has("cpu", "cpu.cfs_quota_us")) {
        const auto bandwidth = [&] {
            return concat(limited.value("cpu", "cpu.cfs_quota_us"), "/",
                          limited.value("cpu", "cpu.cfs_period_us"));
        };
        CHECK(cpu([](oci::Cpu& c) { c.quota = 50000; }) == "");
        CHECK(bandwidth() == "50000/100000");
        CHECK(cpu([](oci::Cpu& c) { c.period = 200000; }) == "");
        CHECK(bandwidth() == "50000/200000");
        CHECK(cpu([](oci::Cpu& c) { c.quota = 1000, c.period = 1000; }) == "");
        CHECK(bandwidth() == "1000/1000");
        CHECK(cpu([](oci::Cpu& c) { c.quota = 900000, c.period = 1000000; }) == "");
        CHECK(bandwidth() == "900000/1000000");
        CHECK(cpu([](oci::Cpu& c) { c.quota = -1; }) == "");
        CHECK(bandwidth() == "-1/1000000");
        CHECK_THAT(cpu([](oci::Cpu& c) { c.quota = 10; }),
                   Catch::StartsWith("/linux/resources/cpu/quota: write \"10\" to "));
        CHECK_THAT(cpu([](oci::Cpu& c) { c.period = 10; }),
                   Catch::Contains("cpu.cfs_period_us\": invalid argument"));
    }
    if (limited.has("cpu", "cpu.cfs_burst_us")) {
        CHECK(cpu([](oci::Cpu& c) { c.quota = 50000, c.burst = 40000; }) == "");
        CHECK(cpu([](oci::Cpu& c) { c.quota = 20000, c.burst = 10000; }) == "");
        CHECK(cpu([](oci::Cpu& c) { c.quota = 90000, c.burst = 80000; }) == "");
        CHECK(limited.value("cpu", "cpu.cfs_burst_us") == "80000");
        CHECK(cpu([](oci::Cpu& c) { c.burst = 0; }) == "");
        CHECK(limited.value("cpu", "cpu.cfs_burst_us") == "0");
    }
    if (limited.has("cpu", "cpu.idle")) {
        CHECK(cpu([](oci::Cpu& c) { c.shares = 1024, c.idle = 1; }) == "");
        CHECK(limited.value("cpu", "cpu.idle") == "1");
        CHECK(cpu([](oci::Cpu& c) { c.shares = 2048, c.idle = 0; }) == "");
        CHECK(limited.value("cpu", "cpu.idle") == "0");
        CHECK(limited.value("cpu", "cpu.shares") == "2048");
    }
}

TEST_CASE("resources v1: realtime, in parents that were made for it", "[root]") {
    if (!LimitedV1::possible("cpu")) return;
    const Playground ground(View::v1);
    const auto cgroup = ContainerCgroup::create(ground.layout(), ground.below("pod/container"));
    const std::string path = cgroup.find_v1("cpu")->path;
    if (!exists(path + "/cpu.rt_runtime_us")) return not_applicable("no realtime groups");
    const auto realtime = resources([](Resources& r) {
        r.cpu.realtime_runtime = 1000;
        r.cpu.realtime_period = 500000;
    });
    const std::string message = spec_error([&] { apply_late(cgroup, realtime); });
    if (message != "") {
        // The root has given all that it has to somebody else, or the kernel gives none.
        CHECK_THAT(message,
                   Catch::StartsWith("/linux/resources/cpu/realtimeRuntime: write \"1000\""));
        return;
    }
    CHECK(read_value(path + "/cpu.rt_runtime_us") == "1000");
    CHECK(read_value(path + "/cpu.rt_period_us") == "500000");
}

TEST_CASE("resources v1: cpuset", "[root]") {
    if (!LimitedV1::possible("cpuset")) return;
    LimitedV1 limited;
    // What create() gave it is enough for a process.
    CHECK_FALSE(limited.value("cpuset", "cpuset.cpus").empty());
    CHECK_FALSE(limited.value("cpuset", "cpuset.mems").empty());
    CHECK(limited.apply([](Resources& r) { r.cpu.cpus = "0", r.cpu.mems = "0"; }) == "");
    CHECK(limited.value("cpuset", "cpuset.cpus") == "0");
    CHECK(limited.apply([](Resources& r) { r.cpu.cpus = ""; }) == "");
    CHECK(limited.value("cpuset", "cpuset.cpus") == "0");
    CHECK_THAT(limited.apply([](Resources& r) { r.cpu.cpus = "100000"; }),
               Catch::StartsWith("/linux/resources/cpu/cpus: write \"100000\" to ") &&
                   Catch::EndsWith("numerical result out of range"));
    CHECK_THAT(limited.apply([](Resources& r) { r.cpu.mems = "77"; }),
               Catch::StartsWith("/linux/resources/cpu/mems: write \"77\" to "));
}

// A whole disk of this machine: "254:0".
std::optional<std::pair<int, int>> find_disk() {
    for (const char* name : {"vda", "sda", "nvme0n1", "xvda", "loop0"}) {
        const auto text = os::find_file_at(AT_FDCWD, concat("/sys/block/", name, "/dev"));
        if (!text) continue;
        const auto numbers = split(text->substr(0, text->find('\n')), ':');
        return std::pair{std::stoi(numbers.at(0)), std::stoi(numbers.at(1))};
    }
    return {};
}

TEST_CASE("resources v1: block IO", "[root]") {
    if (!LimitedV1::possible("blkio")) return;
    LimitedV1 limited;
    for (const char* file : {"blkio.weight", "blkio.bfq.weight"}) {
        if (!limited.has("blkio", file)) continue;
        CHECK(limited.apply([](Resources& r) { r.block_io.weight = 345; }) == "");
        CHECK_THAT(limited.value("blkio", file), Catch::Contains("345"));
        break;
    }
    CHECK(limited.apply([](Resources& r) { r.block_io.weight = 0, r.block_io.leaf_weight = 0; }) ==
          "");
    if (!limited.has("blkio", "blkio.leaf_weight")) {
        CHECK_THAT(limited.apply([](Resources& r) { r.block_io.leaf_weight = 100; }),
                   Catch::StartsWith("/linux/resources/blockIO/leafWeight: write \"100\" to ") &&
                       Catch::EndsWith("no such file or directory"));
    }
    CHECK_THAT(limited.apply([](Resources& r) {
        r.block_io.throttle_read_bps_device = {{4095, 1048575, 1000}};
    }),
               Catch::StartsWith("/linux/resources/blockIO/throttleReadBpsDevice/0: write "));
    const auto disk = find_disk();
    if (!disk) return;
    const auto [major, minor] = *disk;
    const auto throttle = [&, major = major, minor = minor](std::uint64_t rate) {
        return limited.apply([&](Resources& r) {
            r.block_io.throttle_read_bps_device = {{major, minor, rate}};
            r.block_io.throttle_write_bps_device = {{major, minor, rate}};
            r.block_io.throttle_read_iops_device = {{major, minor, rate}};
            r.block_io.throttle_write_iops_device = {{major, minor, rate}};
        });
    };
    CHECK(throttle(5000) == "");
    for (const char* file : {"read_bps", "write_bps", "read_iops", "write_iops"}) {
        CHECK(limited.value("blkio", concat("blkio.throttle.", file, "_device")) ==
              concat(std::to_string(major), ":", std::to_string(minor), " 5000"));
    }
    CHECK(throttle(0) == "");
    CHECK(limited.value("blkio", "blkio.throttle.read_bps_device").empty());
}

// ---- version 2 ------------------------------------------------------------------------------

// A container's cgroup in version 2, two levels below the root; which controllers there are depends
// on the machine.
class LimitedV2 {
  public:
    LimitedV2() : ground_(View::v2), cgroup_(ContainerCgroup::create(ground_.layout(), path())) {}
    static bool possible(const std::string& controller) {
        if (!have_cgroups()) return false;
        const Layout layout = layout_of(View::v2);
        if (!layout.hierarchies.empty()) {
            const auto names =
                split(read_value(layout.hierarchies[0].mount_point + "/cgroup.controllers"), ' ');
            for (const std::string& name : names) {
                if (name == controller) return true;
            }
        }
        not_applicable("no version 2 controller " + controller);
        return false;
    }
    template <class Change>
    std::string apply(Change change) {
        const Resources wanted = resources(change);
        return spec_error([&] {
            apply_early(cgroup_, wanted);
            apply_late(cgroup_, wanted);
        });
    }
    template <class Change>
    std::string update(Change change) {
        return spec_error([&] { apply_update(cgroup_, resources(change)); });
    }
    std::string value(const std::string& file) const {
        return read_value(concat(cgroup_.find_v2()->path, "/", file));
    }
    bool has(const std::string& file) const {
        return exists(concat(cgroup_.find_v2()->path, "/", file));
    }

  private:
    std::string path() const { return ground_.below("pod/container"); }
    Playground ground_;
    ContainerCgroup cgroup_;
};

TEST_CASE("resources v2: huge pages", "[root]") {
    if (!LimitedV2::possible("hugetlb")) return;
    LimitedV2 limited;
    CHECK(limited.apply([](Resources& r) { r.hugepage_limits = {{"2MB", 4U << 20U}}; }) == "");
    CHECK(limited.value("hugetlb.2MB.max") == std::to_string(4 << 20));
    CHECK(limited.value("hugetlb.2MB.rsvd.max") == std::to_string(4 << 20));
    CHECK_THAT(limited.apply([](Resources& r) {
        r.hugepage_limits = {{"3MB", 1U << 20U}};
    }),
               Catch::StartsWith("/linux/resources/hugepageLimits/0: write ") &&
                   Catch::EndsWith("hugetlb.3MB.max\": no such file or directory"));
}

TEST_CASE("resources v2: unified", "[root]") {
    if (!have_cgroups()) return;
    if (layout_of(View::v2).hierarchies.empty()) return not_applicable("no cgroup version 2");
    LimitedV2 limited;
    CHECK(limited.apply([](Resources& r) { r.unified["cgroup.max.depth"] = "3"; }) == "");
    CHECK(limited.value("cgroup.max.depth") == "3");
    CHECK(limited.apply([](Resources& r) { r.unified["cgroup.max.depth"] = "3\n\n4\n"; }) == "");
    CHECK(limited.value("cgroup.max.depth") == "4");
    CHECK_THAT(limited.apply([](Resources& r) { r.unified["cgroup.nonsense"] = "100"; }),
               Catch::StartsWith("/linux/resources/unified/cgroup.nonsense: write \"100\" to ") &&
                   Catch::EndsWith("no such file or directory"));
    CHECK_THAT(limited.apply([](Resources& r) { r.unified["cgroup.max.depth"] = "x"; }),
               Catch::EndsWith("invalid argument"));
}

TEST_CASE("resources v2: pids", "[root]") {
    if (!LimitedV2::possible("pids")) return;
    LimitedV2 limited;
    CHECK(limited.apply([](Resources& r) { r.pids.limit = 17; }) == "");
    CHECK(limited.value("pids.max") == "17");
    CHECK(limited.apply([](Resources& r) { r.pids.limit = -1; }) == "");
    CHECK(limited.value("pids.max") == "max");
}

TEST_CASE("resources v2: memory", "[root]") {
    if (!LimitedV2::possible("memory")) return;
    LimitedV2 limited;
    constexpr std::int64_t kMiB = 1 << 20;
    CHECK(limited.apply([](Resources& r) {
        r.memory.limit = 64 * kMiB;
        r.memory.swap = 96 * kMiB;
        r.memory.reservation = 32 * kMiB;
    }) == "");
    CHECK(limited.value("memory.max") == std::to_string(64 * kMiB));
    CHECK(limited.value("memory.low") == std::to_string(32 * kMiB));
    if (limited.has("memory.swap.max")) {
        CHECK(limited.value("memory.swap.max") == std::to_string(32 * kMiB));
        CHECK(limited.update([](Resources& r) { r.memory.swap = 80 * kMiB; }) == "");
        CHECK(limited.value("memory.swap.max") == std::to_string(16 * kMiB));
        CHECK_THAT(
            limited.update([](Resources& r) { r.memory.swap = 10 * kMiB; }),
            Catch::StartsWith("/linux/resources/memory/swap: is less than the memory limit"));
        CHECK(limited.update([](Resources& r) { r.memory.swap = -1; }) == "");
        CHECK(limited.value("memory.swap.max") == "max");
    }
    CHECK(limited.update([](Resources& r) { r.memory.limit = -1; }) == "");
    CHECK(limited.value("memory.max") == "max");
    CHECK_THAT(limited.update([](Resources& r) { r.memory.swap = 10 * kMiB; }),
               Catch::StartsWith("/linux/resources/memory/swap: counts memory too"));
}

TEST_CASE("resources v2: cpu", "[root]") {
    if (!LimitedV2::possible("cpu")) return;
    LimitedV2 limited;
    const auto cpu = [&](auto change) {
        return limited.update([&](Resources& r) { change(r.cpu); });
    };
    CHECK(cpu([](oci::Cpu& c) { c.shares = 1024; }) == "");
    CHECK(limited.value("cpu.weight") == "100");
    CHECK(cpu([](oci::Cpu& c) { c.quota = 50000; }) == "");
    CHECK(limited.value("cpu.max") == "50000 100000");
    CHECK(cpu([](oci::Cpu& c) { c.period = 200000; }) == "");
    CHECK(limited.value("cpu.max") == "50000 200000");
    CHECK(cpu([](oci::Cpu& c) { c.quota = 40000; }) == "");
    CHECK(limited.value("cpu.max") == "40000 200000");
    CHECK(cpu([](oci::Cpu& c) { c.quota = -1; }) == "");
    CHECK(limited.value("cpu.max") == "max 200000");
    CHECK(cpu([](oci::Cpu& c) { c.quota = 60000, c.burst = 30000; }) == "");
    CHECK(limited.value("cpu.max.burst") == "30000");
    CHECK(cpu([](oci::Cpu& c) { c.shares = 512, c.idle = 1; }) == "");
    CHECK(limited.value("cpu.idle") == "1");
    CHECK(cpu([](oci::Cpu& c) { c.shares = 2, c.idle = 0; }) == "");
    CHECK(limited.value("cpu.weight") == "1");
}

TEST_CASE("resources v2: cpuset", "[root]") {
    if (!LimitedV2::possible("cpuset")) return;
    LimitedV2 limited;
    CHECK(limited.apply([](Resources& r) { r.cpu.cpus = "0", r.cpu.mems = "0"; }) == "");
    CHECK(limited.value("cpuset.cpus.effective") == "0");
}

TEST_CASE("resources v2: block IO", "[root]") {
    if (!LimitedV2::possible("io")) return;
    LimitedV2 limited;
    const auto disk = find_disk();
    if (!disk) return not_applicable("no disk");
    const auto [major, minor] = *disk;
    const auto throttle = [&, major = major, minor = minor](std::uint64_t rate) {
        return limited.apply([&](Resources& r) {
            r.block_io.throttle_read_bps_device = {{major, minor, rate}};
            r.block_io.throttle_write_iops_device = {{major, minor, rate}};
        });
    };
    CHECK(throttle(5000) == "");
    CHECK(limited.value("io.max") == concat(std::to_string(major), ":", std::to_string(minor),
                                            " rbps=5000 wbps=max riops=max wiops=5000"));
    CHECK(throttle(0) == "");
    CHECK(limited.value("io.max").empty());
    if (!limited.has("io.bfq.weight") && !limited.has("io.weight")) return;
    CHECK(limited.apply([](Resources& r) { r.block_io.weight = 100; }) == "");
    const bool is_bfq = limited.has("io.bfq.weight");
    CHECK_THAT(limited.value(is_bfq ? "io.bfq.weight" : "io.weight"),
               Catch::StartsWith(is_bfq ? "default 100" : "default 910"));
}

TEST_CASE("resources: a controller that cannot be enabled is named with its property", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::v2);
    if (ground.layout().hierarchies.empty()) return not_applicable("no cgroup version 2");
    auto cgroup = ground.create();
    CHECK_THAT(spec_error([&] {
                   apply_early(cgroup, resources([](Resources& r) {
                                   r.unified["cgroup.max.depth"] = "100";
                                   r.unified["nonsense.max"] = "100";
                               }));
               }),
               Catch::StartsWith("/linux/resources/unified/nonsense.max: ") &&
                   Catch::Contains("has no controller \"nonsense\""));
}

TEST_CASE("resources: a controller that is missing in the container's cgroup", "[root]") {
    if (!have_cgroups()) return;
    const Playground ground(View::v2);
    if (ground.layout().hierarchies.empty()) return not_applicable("no cgroup version 2");
    const auto cgroup = ground.create();
    const std::string file = cgroup.find_v2()->path + "/memory.max";
    if (exists(file)) return not_applicable("it is there");
    CHECK(spec_error([&] {
              apply_late(cgroup, resources([](Resources& r) { r.memory.limit = 1 << 20; }));
          }) ==
          concat("/linux/resources/memory/limit: this host has no cgroup controller \"memory\": "
                 "open \"",
                 file, "\": no such file or directory"));
}

}  // namespace
