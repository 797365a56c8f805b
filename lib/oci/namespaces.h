#pragma once
// runtime-spec config-linux.md "Namespaces" and "Offset for Time Namespace".

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/enum_table.h"

namespace lxcri::oci {

enum class NamespaceType { pid, network, mount, ipc, uts, user, cgroup, time };

inline constexpr std::array<Named<NamespaceType>, 8> kNamespaceTypes{{
    {"pid", NamespaceType::pid},
    {"network", NamespaceType::network},
    {"mount", NamespaceType::mount},
    {"ipc", NamespaceType::ipc},
    {"uts", NamespaceType::uts},
    {"user", NamespaceType::user},
    {"cgroup", NamespaceType::cgroup},
    {"time", NamespaceType::time},
}};

struct Namespace {
    NamespaceType type = NamespaceType::pid;
    std::optional<std::string> path;  // absolute; absent: a new namespace
};

// Clock in the container minus clock outside.
struct TimeOffset {
    std::int64_t secs = 0;
    std::uint32_t nanosecs = 0;  // below 10^9
};

struct TimeOffsets {
    std::optional<TimeOffset> monotonic;
    std::optional<TimeOffset> boottime;
};

}  // namespace lxcri::oci
