#include "base/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lxcri {

namespace {

struct Character {
    char32_t code = 0;
    std::size_t length = 1;  // in bytes
    bool valid = false;      // UTF-8 as RFC 3629 has it: in the shortest form, no surrogates
};

unsigned byte_at(std::string_view text, std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

Character invalid() {
    return {};
}

Character character_at(std::string_view text, std::size_t at) {
    const unsigned first = byte_at(text, at);
    if (first < 0x80) return {first, 1, true};
    std::size_t length = 2;
    if (first >= 0xe0) length = 3;
    if (first >= 0xf0) length = 4;
    if (first < 0xc2 || first > 0xf4) return invalid();
    char32_t code = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const unsigned byte = byte_at(text, at + i);
        if ((byte & 0xc0U) != 0x80) return invalid();
        code = (code << 6U) | (byte & 0x3fU);
    }
    constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < kLeast[length] || code > 0x10ffff || is_surrogate) return invalid();
    return {code, length, true};
}

struct Range {
    char32_t first;
    char32_t last;
};

// What a terminal obeys (C0, DEL, C1), what ends a line, what changes the order of the characters
// around it, and what takes part in a name without being seen.
constexpr std::array kHidden = {
    Range{0x0000, 0x001f}, Range{0x007f, 0x009f}, Range{0x00ad, 0x00ad},   Range{0x061c, 0x061c},
    Range{0x180e, 0x180e}, Range{0x200b, 0x200f}, Range{0x2028, 0x202e},   Range{0x2060, 0x206f},
    Range{0xfeff, 0xfeff}, Range{0xfff9, 0xfffb}, Range{0xe0000, 0xe007f},
};

bool is_hidden(char32_t code) {
    return std::any_of(kHidden.begin(), kHidden.end(), [&](const Range& range) {
        return code >= range.first && code <= range.last;
    });
}

constexpr std::string_view kHex = "0123456789abcdef";

void append_bytes(std::string& result, std::string_view bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        result += "\\x";
        result += kHex[byte >> 4U];
        result += kHex[byte & 0xfU];
    }
}

void append_unit(std::string& result, std::uint32_t unit) {
    result += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
        result += kHex[(unit >> static_cast<unsigned>(shift)) & 0xfU];
    }
}

void append_code(std::string& result, char32_t code) {
    if (code < 0x10000) return append_unit(result, code);
    append_unit(result, 0xd800U + ((code - 0x10000U) >> 10U));
    append_unit(result, 0xdc00U + ((code - 0x10000U) & 0x3ffU));
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    if (is_plain(text)) return result = text;
    result.reserve(text.size());
    while (!text.empty()) {
        const Character character = character_at(text, 0);
        const std::string_view bytes = text.substr(0, character.length);
        if (!character.valid || is_hidden(character.code)) {
            append_bytes(result, bytes);
        } else {
            result += bytes;
        }
        text.remove_prefix(bytes.size());
    }
    return result;
}

std::string printable_json(std::string_view document) {
    std::string result;
    result.reserve(document.size());
    while (!document.empty()) {
        const Character character = character_at(document, 0);
        const std::string_view bytes = document.substr(0, character.length);
        // Below a space there is only the layout: in strings JSON allows nothing of it.
        if (!character.valid) {
            append_code(result, 0xfffd);
        } else if (character.code >= 0x7f && is_hidden(character.code)) {
            append_code(result, character.code);
        } else {
            result += bytes;
        }
        document.remove_prefix(bytes.size());
    }
    return result;
}

}  // namespace lxcri
