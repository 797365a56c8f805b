#pragma once
// Limits of the container's cgroup: runtime-spec config-linux.md "Control groups". Every limit
// that is absent is to be left alone. Which value means "no limit" is said where -1 or 0 does.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/devices.h"

namespace lxcri::oci {

// Bytes; -1 is no limit, 0 is read by the callers as "not set".
struct Memory {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  // memory and swap together
    std::optional<std::int64_t> kernel;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;  // 0 to 100
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    std::optional<bool> check_before_update;
};

struct Cpu {
    std::optional<std::uint64_t> shares;           // 2 to 262144, 0: not set
    std::optional<std::int64_t> quota;             // microseconds in a period; -1: no limit
    std::optional<std::uint64_t> burst;            // microseconds
    std::optional<std::uint64_t> period;           // microseconds
    std::optional<std::int64_t> realtime_runtime;  // microseconds
    std::optional<std::uint64_t> realtime_period;  // microseconds
    std::optional<std::string> cpus;               // list format, "0-3,7"
    std::optional<std::string> mems;               // list format
    std::optional<std::int64_t> idle;              // 0 or 1
};

struct Pids {
    std::optional<std::int64_t> limit;  // -1: no limit
};

struct BlockIoWeightDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint16_t> weight;       // 10 to 1000
    std::optional<std::uint16_t> leaf_weight;  // 10 to 1000
};

struct BlockIoThrottleDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t rate = 0;  // bytes or operations in a second
};

struct BlockIo {
    std::optional<std::uint16_t> weight;       // 10 to 1000, 0: not set
    std::optional<std::uint16_t> leaf_weight;  // 10 to 1000, 0: not set
    std::vector<BlockIoWeightDevice> weight_device;
    std::vector<BlockIoThrottleDevice> throttle_read_bps_device;
    std::vector<BlockIoThrottleDevice> throttle_write_bps_device;
    std::vector<BlockIoThrottleDevice> throttle_read_iops_device;
    std::vector<BlockIoThrottleDevice> throttle_write_iops_device;
};

struct HugepageLimit {
    std::string page_size;    // "2MB", "64KB", "1GB"
    std::uint64_t limit = 0;  // bytes
};

struct InterfacePriority {
    std::string name;
    std::uint32_t priority = 0;
};

struct Network {
    std::optional<std::uint32_t> class_id;
    std::vector<InterfacePriority> priorities;
};

// At least one of the two.
struct Rdma {
    std::optional<std::uint32_t> hca_handles;
    std::optional<std::uint32_t> hca_objects;
};

struct Resources {
    std::vector<DeviceRule> devices;  // in order, the last match decides
    Memory memory;
    Cpu cpu;
    Pids pids;
    BlockIo block_io;
    std::vector<HugepageLimit> hugepage_limits;
    Network network;
    std::map<std::string, Rdma> rdma;            // by device
    std::map<std::string, std::string> unified;  // cgroup v2 file name to what is written there
};

}  // namespace lxcri::oci
