#include "cgroup/conversions.h"

#include <cmath>

namespace lxcri::cgroup {

std::uint64_t cpu_weight(std::uint64_t shares) {
    constexpr std::uint64_t kLeast = 2;
    constexpr std::uint64_t kMost = 262144;
    if (shares <= kLeast) return 1;
    if (shares >= kMost) return 10000;
    const double l = std::log2(static_cast<double>(shares));
    const double exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
    return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent)));
}

std::uint64_t io_weight(std::uint64_t weight) {
    if (weight <= 10) return 1;
    if (weight >= 1000) return 10000;
    return 1 + (weight - 10) * 9999 / 990;
}

}  // namespace lxcri::cgroup
