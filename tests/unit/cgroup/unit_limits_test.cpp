#include "cgroup/unit_limits.h"

#include "base/strings.h"
#include "support/catch.h"

namespace {

using namespace lxcri;
using cgroup::changed_properties;
using cgroup::UnitLimits;

// "NAME TYPE=VALUE,VALUE", one a line.
std::string text_of(const std::vector<handoff::UnitProperty>& properties) {
    std::string text;
    for (const auto& property : properties) {
        text += concat(property.name, " ", property.type, "=", join(property.values, ","), "\n");
    }
    return text;
}

const UnitLimits kFresh = {
    {"cpu.max", "max 100000"},  {"cpu.weight", "100"},        {"cpuset.cpus", ""},
    {"cpuset.mems", ""},        {"io.weight", "default 100"}, {"memory.high", "max"},
    {"memory.low", "0"},        {"memory.max", "max"},        {"memory.min", "0"},
    {"memory.swap.max", "max"}, {"pids.max", "max"},
};

std::string change(const std::string& file, const std::string& value) {
    UnitLimits now = kFresh;
    now[file] = value;
    return text_of(changed_properties(kFresh, now));
}

TEST_CASE("unit limits: what is as before is not told") {
    CHECK(changed_properties(kFresh, kFresh).empty());
    CHECK(changed_properties(kFresh, {}).empty());
    CHECK(changed_properties({}, {{"memory.max", "4096"}}).size() == 1);
}

TEST_CASE("unit limits: each file has its property") {
    CHECK(change("memory.max", "4096") == "MemoryMax t=4096\n");
    CHECK(change("memory.high", "4096") == "MemoryHigh t=4096\n");
    CHECK(change("memory.low", "4096") == "MemoryLow t=4096\n");
    CHECK(change("memory.min", "4096") == "MemoryMin t=4096\n");
    CHECK(change("memory.swap.max", "0") == "MemorySwapMax t=0\n");
    CHECK(change("pids.max", "7") == "TasksMax t=7\n");
    CHECK(change("cpu.weight", "59") == "CPUWeight t=59\n");
    CHECK(change("io.weight", "default 50\n8:0 60") == "IOWeight t=50\n");
    CHECK(change("cpuset.cpus", "0-2,8") == "AllowedCPUs ay=7,1\n");
    CHECK(change("cpuset.mems", "9") == "AllowedMemoryNodes ay=0,2\n");
}

TEST_CASE("unit limits: bandwidth") {
    CHECK(change("cpu.max", "50000 100000") ==
          "CPUQuotaPeriodUSec t=100000\nCPUQuotaPerSecUSec t=500000\n");
    CHECK(change("cpu.max", "max 20000") ==
          "CPUQuotaPeriodUSec t=20000\nCPUQuotaPerSecUSec t=18446744073709551615\n");
    // The unit is never tighter than the container.
    CHECK(change("cpu.max", "1000 3000") ==
          "CPUQuotaPeriodUSec t=3000\nCPUQuotaPerSecUSec t=333334\n");
}

TEST_CASE("unit limits: a limit that is lifted is told too") {
    UnitLimits before = kFresh;
    before["memory.max"] = "4096";
    before["cpuset.cpus"] = "0";
    CHECK(text_of(changed_properties(before, kFresh)) ==
          "AllowedCPUs ay=\nMemoryMax t=18446744073709551615\n");
}

}  // namespace
