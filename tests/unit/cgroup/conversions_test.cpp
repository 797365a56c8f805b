#include "cgroup/conversions.h"
#include "support/catch.h"

namespace {

using namespace lxcri::cgroup;

TEST_CASE("cpu.shares to cpu.weight") {
    CHECK(cpu_weight(0) == 1);
    CHECK(cpu_weight(2) == 1);
    CHECK(cpu_weight(1024) == 100);
    CHECK(cpu_weight(262144) == 10000);
    CHECK(cpu_weight(999999) == 10000);
    std::uint64_t before = 0;
    for (std::uint64_t shares = 2; shares <= 262144; shares += 7) {
        const std::uint64_t weight = cpu_weight(shares);
        REQUIRE(weight >= before);
        REQUIRE(weight <= 10000);
        before = weight;
    }
}

TEST_CASE("blkio.weight to io.weight") {
    CHECK(io_weight(10) == 1);
    CHECK(io_weight(1000) == 10000);
    CHECK(io_weight(100) == 910);
    CHECK(io_weight(9) == 1);
}

}  // namespace
