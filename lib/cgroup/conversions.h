#pragma once
// The values of version 1, in which the spec speaks, to those of version 2. Pure.

#include <cstdint>

namespace lxcri::cgroup {

// cpu.shares (2 to 262144) to cpu.weight (1 to 10000), so that the ends and the defaults (1024 and
// 100) meet: 10 ^ ((l^2 + 125 l) / 612 - 7 / 34) with l = log2(shares).
std::uint64_t cpu_weight(std::uint64_t shares);

// blkio.weight (10 to 1000) to io.weight (1 to 10000), linear.
std::uint64_t io_weight(std::uint64_t weight);

}  // namespace lxcri::cgroup
