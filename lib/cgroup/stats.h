#pragma once
// What a container uses, as its cgroup counts it. What the host does not count stays 0 or empty.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/container_cgroup.h"

namespace lxcri::cgroup {

struct CpuStats {
    // Nanoseconds.
    std::uint64_t total = 0;
    std::uint64_t kernel = 0;
    std::uint64_t user = 0;
    std::vector<std::uint64_t> per_cpu;  // version 1 only, as the next two
    std::vector<std::uint64_t> per_cpu_kernel;
    std::vector<std::uint64_t> per_cpu_user;
    std::uint64_t periods = 0;
    std::uint64_t throttled_periods = 0;
    std::uint64_t throttled_time = 0;
};

// Version 1 only.
struct CpusetStats {
    std::vector<std::uint64_t> cpus;
    std::vector<std::uint64_t> mems;
    std::map<std::string, std::int64_t> flags;  // "cpu_exclusive", as the files are named
};

struct MemoryEntry {
    std::uint64_t limit = 0;  // UINT64_MAX: none (version 2)
    std::uint64_t usage = 0;
    std::uint64_t max = 0;  // the most so far
    std::uint64_t failures = 0;
};

struct MemoryStats {
    std::uint64_t cache = 0;
    MemoryEntry usage;
    MemoryEntry swap;  // memory and swap together, in version 2 too
    MemoryEntry kernel;
    MemoryEntry kernel_tcp;
    std::map<std::string, std::uint64_t> raw;  // memory.stat
};

struct PidsStats {
    std::uint64_t current = 0;
    std::uint64_t limit = 0;  // 0: none
};

struct BlockIoEntry {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::string operation;  // "Read", "Write", ...
    std::uint64_t value = 0;
};

struct BlockIoStats {
    std::vector<BlockIoEntry> bytes;
    std::vector<BlockIoEntry> operations;
};

struct HugepageStats {
    std::uint64_t usage = 0;
    std::uint64_t max = 0;
    std::uint64_t failures = 0;
};

struct Stats {
    CpuStats cpu;
    CpusetStats cpuset;
    MemoryStats memory;
    PidsStats pids;
    BlockIoStats block_io;
    std::map<std::string, HugepageStats> hugepages;  // by size: "2MB"
};

Stats read_stats(const ContainerCgroup& cgroup);

// The parts that are read from text. Pure.
std::vector<std::uint64_t> parse_list(std::string_view text);  // "0-2,7"
std::vector<BlockIoEntry> parse_blkio(std::string_view text);  // "8:0 Read 4096" a line
BlockIoStats parse_io_stat(std::string_view text);             // "8:0 rbytes=4096 rios=1" a line

}  // namespace lxcri::cgroup
