// /linux/resources: what is written where in version 1.

#include "cgroup/resources.h"

#include "resources_fixture.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;
using oci::Resources;

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
        // The root has given all that it has to another cgroup, or the kernel gives none.
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

}  // namespace
