#pragma once
// Device nodes and device rules: runtime-spec config-linux.md "Devices" and "Allowed Device list".

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/enum_table.h"

namespace lxcri::oci {

enum class DeviceType { character, block, fifo };

// 'u' (unbuffered) is another name of 'c': mknod(1).
inline constexpr std::array<Named<DeviceType>, 4> kDeviceTypes{{
    {"c", DeviceType::character},
    {"b", DeviceType::block},
    {"u", DeviceType::character},
    {"p", DeviceType::fifo},
}};

struct Device {
    DeviceType type = DeviceType::character;
    std::string path;                        // absolute, in the container
    std::optional<std::int64_t> major;       // present unless a fifo
    std::optional<std::int64_t> minor;       // present unless a fifo
    std::optional<std::uint32_t> file_mode;  // permission bits only, at most 0777
    std::optional<std::uint32_t> uid;        // in the container
    std::optional<std::uint32_t> gid;        // in the container
    std::string pointer;                     // what errors call it; "": its place in config.json
};

enum class DeviceRuleType { all, character, block };

inline constexpr std::array<Named<DeviceRuleType>, 3> kDeviceRuleTypes{{
    {"a", DeviceRuleType::all},
    {"c", DeviceRuleType::character},
    {"b", DeviceRuleType::block},
}};

struct DeviceRule {
    bool allow = false;
    DeviceRuleType type = DeviceRuleType::all;
    std::optional<std::int64_t> major;  // absent: any; -1 is read as absent
    std::optional<std::int64_t> minor;  // absent: any; -1 is read as absent
    std::string access;                 // letters out of "rwm", at least one
};

}  // namespace lxcri::oci
