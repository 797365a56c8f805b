#include "os/mountinfo.h"

#include <algorithm>

#include "base/strings.h"

namespace lxcri::os {

namespace {

std::string_view take_word(std::string_view& text, char separator = ' ') {
    const auto end = text.find(separator);
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return word;
}

bool is_octal(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
}

}  // namespace

std::optional<MountLine> parse_mount_line(std::string_view line) {
    // "ID PARENT DEVICE ROOT POINT OPTIONS [PROPAGATION...] - TYPE SOURCE OPTIONS"
    const auto separator = line.find(" - ");
    if (separator == std::string_view::npos) return {};
    MountLine mount;
    std::string_view rest = line.substr(separator + 3);
    mount.type = take_word(rest);
    take_word(rest);  // source
    mount.options = take_word(rest);
    rest = line.substr(0, separator);
    const auto id = parse_integer<int>(take_word(rest));
    const auto parent = parse_integer<int>(take_word(rest));
    if (!id || !parent) return {};
    mount.id = *id;
    mount.parent = *parent;
    take_word(rest);  // device
    mount.root = take_word(rest);
    mount.mount_point = take_word(rest);
    take_word(rest);  // options of the mount
    mount.propagation = rest;
    return mount;
}

std::vector<MountLine> parse_mount_lines(std::string_view text) {
    std::vector<MountLine> mounts;
    while (!text.empty()) {
        if (const auto mount = parse_mount_line(take_word(text, '\n'))) mounts.push_back(*mount);
    }
    return mounts;
}

std::string unescape_mount(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 3 >= text.size() || !is_octal(text.substr(i + 1, 3))) {
            result += text[i];
            continue;
        }
        const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
        result += static_cast<char>(code);
        i += 3;
    }
    return result;
}

}  // namespace lxcri::os
