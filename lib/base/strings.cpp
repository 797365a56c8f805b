#include "base/strings.h"

namespace lxcri {

namespace {

unsigned char byte_at(std::string_view text, std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

// U+0080 to U+009F in UTF-8: terminals obey them as they obey escape sequences.
bool is_c1_control(std::string_view text, std::size_t i) {
    const auto is_one = [&](std::size_t at) {
        return byte_at(text, at) == 0xc2 && byte_at(text, at + 1) >= 0x80 &&
               byte_at(text, at + 1) < 0xa0;
    };
    return is_one(i) || (i > 0 && is_one(i - 1));
}

// Does a character of several bytes, of which this is one, go on beyond `end`?
bool is_cut(std::string_view text, std::size_t i, std::size_t end) {
    if (text.size() <= end || byte_at(text, i) < 0x80) return false;
    for (std::size_t at = i + 1; at < end; ++at) {
        if ((byte_at(text, at) & 0xc0U) != 0x80) return false;
    }
    return (byte_at(text, end) & 0xc0U) == 0x80;
}

}  // namespace

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kLongest = 256;
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string result = "\"";
    const std::string_view shown = text.substr(0, kLongest);
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const char c = shown[i];
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (byte < 0x20 || byte == 0x7f || is_c1_control(shown, i) ||
                   is_cut(text, i, kLongest)) {
            result += "\\x";
            result += kHex[byte >> 4U];
            result += kHex[byte & 0xfU];
        } else {
            result += c;
        }
    }
    if (text.size() > kLongest) result += "...";
    result += '"';
    return result;
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
    for (const auto& element : split(path, '/')) {
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
