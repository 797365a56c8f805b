#pragma once
// Small pure helpers for text.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace lxcri {

// concat("a", text, view): one allocation instead of a chain of operator+.
template <class... Parts>
std::string concat(const Parts&... parts) {
    std::string result;
    result.reserve((std::string_view(parts).size() + ...));
    (result.append(std::string_view(parts)), ...);
    return result;
}

// The text in double quotes; control characters, quotes and backslashes escaped, so that hostile
// input can neither break the one line of an error nor reach a terminal. Cut at 256 bytes.
std::string in_quotes(std::string_view text);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// "//proc/." as "/proc". ".." stays: it depends on the links.
std::string normalized_path(std::string_view path);

// The whole text as a decimal number (with '-' for signed types), without other characters.
template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
    Integer value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
    return value;
}

}  // namespace lxcri
