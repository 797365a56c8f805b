// What each controller writes in version 2, into a directory that looks like a cgroup: on every
// machine, for every user. What the kernel makes of it is in resources_v2_test.cpp.

#include <fcntl.h>

#include "cgroup/controller.h"
#include "os/file.h"
#include "resources_fixture.h"
#include "unit/os/temp_dir.h"

namespace {

using namespace lxcri;
using namespace lxcri::cgroup;
using namespace lxcri::test;
using oci::Resources;

class FakeCgroup {
  public:
    // With these files, which are empty unless "name=content" says something else.
    explicit FakeCgroup(std::vector<std::string> files) {
        for (const auto& file : files) {
            const auto equals = file.find('=');
            put_file(temp_ / file.substr(0, equals),
                     equals == file.npos ? "" : file.substr(equals + 1));
        }
        directory_.path = temp_.path();
    }
    // The message, or "".
    template <class Change>
    std::string apply(const Controller& controller, Change change) {
        const ControllerFiles files(os::open_at(AT_FDCWD, directory_.path, O_PATH | O_DIRECTORY),
                                    directory_, kResourcesPointer, Purpose::create, nullptr);
        return spec_error([&] { controller.apply(files, resources(change)); });
    }
    // What has been written, and forgets it.
    std::string take(const std::string& file) {
        const std::string content = content_of(temp_ / file);
        put_file(temp_ / file, "");
        return content;
    }
    std::string path(const std::string& file) const { return (temp_ / file).string(); }

  private:
    TempDir temp_;
    Directory directory_;
};

}  // namespace

TEST_CASE("controllers v2: pids") {
    FakeCgroup cgroup({"pids.max"});
    const auto limit = [&](std::int64_t value) {
        CHECK(cgroup.apply(kPidsController, [&](Resources& r) { r.pids.limit = value; }) == "");
        return cgroup.take("pids.max");
    };
    CHECK(limit(17) == "17");
    CHECK(limit(-1) == "max");
    CHECK(limit(4194304) == "4194304");
    CHECK(limit(4194305) == "max");
    CHECK(limit(0).empty());  // not set
    CHECK(kPidsController.wanted(resources([](Resources& r) { r.pids.limit = 17; })) ==
          "/pids/limit");
    CHECK(kPidsController.wanted(resources([](Resources&) {})).empty());
}

TEST_CASE("controllers v2: a file that is missing or refuses is named, with its property") {
    FakeCgroup cgroup({});
    CHECK(cgroup.apply(kPidsController, [](Resources& r) { r.pids.limit = 17; }) ==
          concat("/linux/resources/pids/limit: write \"17\" to ",
                 in_quotes(cgroup.path("pids.max")), ": no such file or directory"));
}

TEST_CASE("controllers v2: memory") {
    FakeCgroup cgroup({"memory.max", "memory.low", "memory.swap.max", "memory.current=4096\n"});
    const auto apply = [&](auto change) {
        return cgroup.apply(kMemoryController, [&](Resources& r) { change(r.memory); });
    };
    CHECK(apply([](oci::Memory& m) { m.limit = 65536, m.swap = 98304, m.reservation = 32768; }) ==
          "");
    CHECK(cgroup.take("memory.max") == "65536");
    CHECK(cgroup.take("memory.swap.max") == "32768");  // without the memory that it includes
    CHECK(cgroup.take("memory.low") == "32768");
    CHECK(apply([](oci::Memory& m) { m.limit = -1; }) == "");
    CHECK(cgroup.take("memory.max") == "max");
    CHECK(cgroup.take("memory.swap.max") == "max");
    CHECK_THAT(apply([](oci::Memory& m) { m.limit = 65536, m.swap = 4096; }),
               Catch::StartsWith("/linux/resources/memory/swap: is less than the memory limit"));
    CHECK_THAT(apply([](oci::Memory& m) { m.swap = 4096; }),
               Catch::StartsWith("/linux/resources/memory/swap: counts memory too"));
    CHECK(cgroup.take("memory.swap.max").empty());
}

TEST_CASE("controllers v2: cpu") {
    FakeCgroup cgroup({"cpu.weight", "cpu.max=max 100000\n", "cpu.max.burst", "cpu.idle"});
    const auto apply = [&](auto change) {
        return cgroup.apply(kCpuController, [&](Resources& r) { change(r.cpu); });
    };
    CHECK(apply([](oci::Cpu& c) { c.shares = 1024; }) == "");
    CHECK(cgroup.take("cpu.weight") == "100");
    CHECK(apply([](oci::Cpu& c) { c.shares = 2, c.idle = 0; }) == "");
    CHECK(cgroup.take("cpu.weight") == "1");
    CHECK(cgroup.take("cpu.idle") == "0");
    CHECK(apply([](oci::Cpu& c) { c.quota = 50000, c.period = 200000, c.burst = 1000; }) == "");
    CHECK_THAT(cgroup.take("cpu.max"), Catch::StartsWith("50000 200000"));
    CHECK(cgroup.take("cpu.max.burst") == "1000");
    CHECK(apply([](oci::Cpu& c) { c.quota = -1, c.period = 50000; }) == "");
    CHECK(cgroup.take("cpu.max") == "max 50000");
}

TEST_CASE("controllers v2: cpuset") {
    FakeCgroup cgroup({"cpuset.cpus", "cpuset.mems"});
    CHECK(cgroup.apply(kCpusetController,
                       [](Resources& r) { r.cpu.cpus = "0-3,7", r.cpu.mems = "0"; }) == "");
    CHECK(cgroup.take("cpuset.cpus") == "0-3,7");
    CHECK(cgroup.take("cpuset.mems") == "0");
    CHECK(cgroup.apply(kCpusetController, [](Resources& r) { r.cpu.cpus = ""; }) == "");
    CHECK(cgroup.take("cpuset.cpus").empty());
}

TEST_CASE("controllers v2: io") {
    const auto throttle = [](std::uint64_t rate) {
        return [rate](Resources& r) { r.block_io.throttle_write_iops_device = {{8, 16, rate}}; };
    };
    FakeCgroup cgroup({"io.max", "io.weight"});
    CHECK(cgroup.apply(kBlockIoController, throttle(5000)) == "");
    CHECK(cgroup.take("io.max") == "8:16 wiops=5000");
    CHECK(cgroup.apply(kBlockIoController, throttle(0)) == "");
    CHECK(cgroup.take("io.max") == "8:16 wiops=max");
    CHECK(cgroup.apply(kBlockIoController, [](Resources& r) {
        r.block_io.throttle_read_bps_device = {{8, 0, 7}};
    }) == "");
    CHECK(cgroup.take("io.max") == "8:0 rbps=7");
    const auto weight = [](Resources& r) { r.block_io.weight = 100; };
    CHECK(cgroup.apply(kBlockIoController, weight) == "");
    CHECK(cgroup.take("io.weight") == "default 910");  // 10..1000 becomes 1..10000

    FakeCgroup with_bfq({"io.bfq.weight", "io.weight"});
    CHECK(with_bfq.apply(kBlockIoController, weight) == "");
    CHECK(with_bfq.take("io.bfq.weight") == "default 100");
    CHECK(with_bfq.take("io.weight").empty());
}
