#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lxcri::cmd {

// "4096", "64k", "64K", "64KiB", "1.5g" -> bytes, in steps of 1024; "-1" -> -1. Returns
// nullopt if it is not a size, or too large for 63 bits.
std::optional<std::int64_t> parse_byte_size(std::string_view text);

}  // namespace lxcri::cmd
