// /linux/resources: what is refused, and what happens when memory is short.

#include "cgroup/resources.h"

#include <sys/mman.h>

#include <cstring>

#include "resources_fixture.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;
using oci::Resources;

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
    apply_early(cgroup, limit, DeviceAccess::limited);
    const auto child = start_user(cgroup, 8U << 20U);
    const std::string message = spec_error([&] { apply_late(cgroup, limit); });
    CHECK_THAT(message,
               Catch::StartsWith("/linux/resources/memory/limit: the memory limit 1048576 is "
                                 "too low: "));
    CHECK_THAT(message, Catch::Contains(" bytes are in use (\""));
    CHECK(child.running());
    CHECK(cgroup.oom_kills() == 0);
}

TEST_CASE("resources: the kernel kills when memory runs out, and counts it", "[root]") {
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
    apply_early(cgroup, limit, DeviceAccess::limited);
    apply_late(cgroup, limit);
    CHECK(cgroup.oom_kills() == 0);
    auto child = start_user(cgroup, 16U << 20U);
    CHECK(child.wait(in_seconds(10))->is_signal());
    CHECK(cgroup.oom_kills() == 1);
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
                               }),
                               DeviceAccess::limited);
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
