#include "overlay.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"
#include "os/mount.h"

namespace lxcri::hooks {

namespace {

// A name that is too long for fsconfig(2) goes there as a descriptor, which Linux takes since 6.13.
void set_directory(os::NewFilesystem& overlay, const std::string& key, const std::string& path) {
    if (path.size() <= os::kMaxFsconfigValue) return overlay.set_string(key, path);
    const os::UniqueFd directory = os::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    overlay.set_fd(key, directory.get());
}

std::string without_backslashes(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        result += text[i];
    }
    return result;
}

// Where the layer at the front of `text` ends: at a colon without a backslash.
std::size_t end_of_layer(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ':') return i;
        if (text[i] == '\\') ++i;
    }
    return text.size();
}

// "upper:lower::data": behind two colons are layers with data only.
void add_layers(os::NewFilesystem& overlay, std::string_view text) {
    std::string key = "lowerdir+";
    while (!text.empty()) {
        const std::size_t end = end_of_layer(text);
        set_directory(overlay, key, without_backslashes(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!text.starts_with(':')) continue;
        text.remove_prefix(1);
        key = "datadir+";
    }
}

void set_option(os::NewFilesystem& overlay, const std::string& option) {
    const auto equals = option.find('=');
    if (equals == std::string::npos) return overlay.set_flag(option);
    const std::string key = option.substr(0, equals);
    const std::string value = option.substr(equals + 1);
    if (key == "lowerdir") return add_layers(overlay, value);
    if (value.size() <= os::kMaxFsconfigValue) return overlay.set_string(key, value);
    set_directory(overlay, key, without_backslashes(value));
}

}  // namespace

std::string escape_commas(const std::string& option) {
    std::string result;
    for (std::size_t i = 0; i < option.size(); ++i) {
        if (option[i] == ',') result += '\\';
        result += option[i];
        if (option[i] == '\\' && i + 1 < option.size()) result += option[++i];
    }
    return result;
}

os::UniqueFd make_overlay_layer_by_layer(const handoff::MountAction& action,
                                         std::uint64_t attributes) {
    os::NewFilesystem overlay(action.type);
    overlay.set_string("source", action.source);
    for (const auto& flag : action.flags) overlay.set_flag(flag);
    try {
        for (const auto& option : action.data) set_option(overlay, option);
    } catch (const SystemError& error) {
        if (error.code() != EINVAL) throw;
        // The kernel fails so for options that it does not know.
        throw Error(concat(error.what(),
                           "; an overlay with options of more than 4095 bytes needs "
                           "Linux 6.7, with a directory of more than 255 bytes 6.13"));
    }
    return overlay.mount(static_cast<unsigned int>(attributes));
}

}  // namespace lxcri::hooks
