#include "base/strings.h"

#include <algorithm>

#include "base/printable.h"

namespace lxcri {

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kLongest = 256;
    std::string escaped;
    for (const char c : text.substr(0, kLongest)) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    // A character that is cut in two is none any more, and is shown as bytes.
    return concat("\"", printable(escaped), text.size() > kLongest ? "..." : "", "\"");
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string normalized_path(std::string_view path) {
    std::string result;
    result.reserve(path.size() + 1);
    while (!path.empty()) {
        const auto element = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(element.size() + 1, path.size()));
        if (element.empty() || element == ".") continue;
        result += '/';
        result += element;
    }
    return result.empty() ? "/" : result;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string result;
    for (const auto& part : parts) {
        if (&part != parts.data()) result += separator;
        result += part;
    }
    return result;
}

}  // namespace lxcri
