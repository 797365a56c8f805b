#pragma once
// A range of user or group IDs: runtime-spec config-linux.md "User namespace mappings" and
// config.md "Mounts".

#include <cstdint>

namespace lxcri::oci {

// [container_id, container_id + size) inside is [host_id, host_id + size) outside.
struct IdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
};

}  // namespace lxcri::oci
