#include "cgroup/unit_limits.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "base/strings.h"
#include "cgroup/tree.h"

namespace lxcri::cgroup {

namespace {

using handoff::UnitProperty;

using Properties = std::vector<UnitProperty>;

UnitProperty number(std::string_view name, std::uint64_t value) {
    return {{}, std::string(name), "t", {std::to_string(value)}};
}

constexpr std::uint64_t kInfinity = std::numeric_limits<std::uint64_t>::max();

std::uint64_t number_or_infinity(std::string_view text) {
    return parse_integer<std::uint64_t>(text).value_or(kInfinity);  // "max"
}

Properties limit(std::string_view name, std::string_view text) {
    return {number(name, number_or_infinity(text))};
}

// "max 100000", "50000 100000": what is allowed in a period, in microseconds.
Properties bandwidth(std::string_view /*name*/, std::string_view text) {
    const auto blank = text.find(' ');
    const auto period = blank == std::string_view::npos
                            ? std::nullopt
                            : parse_integer<std::uint64_t>(text.substr(blank + 1));
    if (!period || *period == 0) return {};
    constexpr std::uint64_t kSecond = 1000000;
    const std::uint64_t quota = number_or_infinity(text.substr(0, blank));
    // Rounded up: the unit must not be tighter than the container.
    const std::uint64_t per_second =
        quota == kInfinity ? kInfinity : (quota * kSecond + *period - 1) / *period;
    return {number("CPUQuotaPeriodUSec", *period), number("CPUQuotaPerSecUSec", per_second)};
}

// "default 100"; single devices, on lines of their own, stay the container's.
Properties io_weight_property(std::string_view name, std::string_view text) {
    constexpr std::string_view kDefault = "default ";
    if (!text.starts_with(kDefault)) return {};
    text.remove_prefix(kDefault.size());
    const auto weight = parse_integer<std::uint64_t>(text.substr(0, text.find('\n')));
    return weight ? Properties{number(name, *weight)} : Properties{};
}

// "0-3,7" as a bit mask, lowest byte first.
Properties bit_mask(std::string_view name, std::string_view text) {
    constexpr unsigned kMost = 8192;
    std::vector<unsigned> bytes;
    for (const std::string& range : split(text, ',')) {
        const auto dash = range.find('-');
        const auto first = parse_integer<unsigned>(range.substr(0, dash));
        const auto last =
            dash == std::string::npos ? first : parse_integer<unsigned>(range.substr(dash + 1));
        if (!first || !last || *last >= kMost) continue;
        for (unsigned bit = *first; bit <= *last; ++bit) {
            if (bytes.size() <= bit / 8) bytes.resize(bit / 8 + 1);
            bytes[bit / 8] |= 1U << (bit % 8);
        }
    }
    UnitProperty property{{}, std::string(name), "ay", {}};
    for (const unsigned byte : bytes) property.values.push_back(std::to_string(byte));
    return {property};
}

struct Row {
    const char* file;
    std::string_view property;
    Properties (*make)(std::string_view name, std::string_view text);
};

constexpr std::array<Row, 11> kRows{{
    {"cpu.max", "", bandwidth},
    {"cpu.weight", "CPUWeight", limit},
    {"cpuset.cpus", "AllowedCPUs", bit_mask},
    {"cpuset.mems", "AllowedMemoryNodes", bit_mask},
    {"io.weight", "IOWeight", io_weight_property},
    {"memory.high", "MemoryHigh", limit},
    {"memory.low", "MemoryLow", limit},
    {"memory.max", "MemoryMax", limit},
    {"memory.min", "MemoryMin", limit},
    {"memory.swap.max", "MemorySwapMax", limit},
    {"pids.max", "TasksMax", limit},
}};

}  // namespace

UnitLimits read_unit_limits(const ContainerCgroup& cgroup) {
    UnitLimits limits;
    const Directory* directory = cgroup.find_v2();
    if (directory == nullptr) return limits;
    const os::UniqueFd dir = cgroup.open_directory(*directory);
    if (!dir.valid()) return limits;
    for (const Row& row : kRows) {
        auto text = find_file(dir.get(), row.file);
        if (!text) continue;
        while (text->ends_with('\n')) text->pop_back();
        limits.emplace(row.file, std::move(*text));
    }
    return limits;
}

std::vector<UnitProperty> changed_properties(const UnitLimits& before, const UnitLimits& now) {
    std::vector<UnitProperty> properties;
    for (const Row& row : kRows) {
        const auto new_value = now.find(row.file);
        const auto old_value = before.find(row.file);
        if (new_value == now.end()) continue;
        if (old_value != before.end() && old_value->second == new_value->second) continue;
        for (UnitProperty& property : row.make(row.property, new_value->second)) {
            properties.push_back(std::move(property));
        }
    }
    return properties;
}

}  // namespace lxcri::cgroup
