#pragma once
// How much memory a process may use, as the cgroups around it say.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cgroup/layout.h"

namespace lxcri::agent {

// Bytes. Nothing of what no cgroup limits.
struct MemoryView {
    std::optional<std::uint64_t> limit;
    std::uint64_t usage = 0;
    std::uint64_t shared = 0;
    std::uint64_t buffers = 0;
    std::optional<std::uint64_t> swap_limit;  // of swap alone
    std::uint64_t swap_usage = 0;
};

// Of the cgroup with the lowest limit, of those around the process. `memberships`: its
// /proc/PID/cgroup. A limit of `host_memory` or more is none.
MemoryView read_memory_view(const cgroup::Layout& layout, std::string_view memberships,
                            std::uint64_t host_memory);

// The processes (with version 1 also threads) that the kernel counts in the same cgroup.
std::optional<std::uint64_t> count_processes(const cgroup::Layout& layout,
                                             std::string_view memberships);

}  // namespace lxcri::agent
