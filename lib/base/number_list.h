#pragma once
// Lists of CPUs and memory nodes as the kernel writes them: "0-3,7" (cpuset(7), "List format").

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lxcri {

// Far beyond the CPUs (CONFIG_NR_CPUS) and nodes (MAX_NUMNODES) of any kernel.
inline constexpr std::uint32_t kMostNumbers = 8192;

// The set as the kernel's masks have it, bit n of word n / 64. The text may be empty: no number.
// Returns nullopt if it is not such a list, or has a number of kMostNumbers or more.
std::optional<std::vector<std::uint64_t>> parse_number_list(std::string_view text);

}  // namespace lxcri
