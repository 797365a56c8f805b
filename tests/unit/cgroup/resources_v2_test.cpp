// /linux/resources: what is written where in version 2.

#include "cgroup/resources.h"

#include "resources_fixture.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;
using oci::Resources;

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
            apply_early(cgroup_, wanted, DeviceAccess::limited);
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

}  // namespace
