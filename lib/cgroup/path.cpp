#include "cgroup/path.h"

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::cgroup {

namespace {

[[noreturn]] void refuse(std::string_view path, std::string_view problem) {
    throw SpecError("/linux/cgroupsPath", concat(in_quotes(path), " ", problem));
}

void check_component(std::string_view path, std::string_view component) {
    constexpr std::size_t kLongestName = 255;
    if (component == "..") refuse(path, "must not contain \"..\"");
    if (component.size() > kLongestName) refuse(path, "has a component longer than 255 bytes");
    for (const char c : component) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) refuse(path, "contains a control character");
    }
}

}  // namespace

std::string container_path(std::string_view cgroups_path, std::string_view id) {
    if (cgroups_path.empty()) return concat("lxcri-", id);
    std::string result;
    for (const std::string& component : split(cgroups_path, '/')) {
        if (component.empty() || component == ".") continue;
        check_component(cgroups_path, component);
        if (!result.empty()) result += '/';
        result += component;
    }
    if (result.empty()) refuse(cgroups_path, "is the root cgroup, which no container may have");
    return result;
}

}  // namespace lxcri::cgroup
