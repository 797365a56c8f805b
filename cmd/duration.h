#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace lxcri::cmd {

// "500ms", "5s", "1m30s", "1.5h", as Go programs write a time. Returns nullopt if it is not a time,
// or more than a year.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace lxcri::cmd
