#include "cgroup/unit_path.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::cgroup {

namespace {

constexpr std::string_view kSliceSuffix = ".slice";

[[noreturn]] void refuse(std::string_view path, std::string_view problem) {
    throw SpecError("/linux/cgroupsPath", concat("got ", in_quotes(path), ", ", problem));
}

// systemd.unit(5).
bool is_unit_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
}

bool is_unit_name(std::string_view name) {
    constexpr std::size_t kLongest = 255;
    return name.size() <= kLongest && std::all_of(name.begin(), name.end(), is_unit_character);
}

// An ID may have characters that no unit name has: as systemd-escape(1) writes them.
std::string escape(std::string_view id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string result;
    for (const char c : id) {
        if (is_unit_character(c)) {
            result += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        result += "\\x";
        result += kDigits[byte >> 4U];
        result += kDigits[byte & 15U];
    }
    return result;
}

// systemd.slice(5): each dash is a step down.
bool is_slice_name(std::string_view slice) {
    if (!is_unit_name(slice) || !slice.ends_with(kSliceSuffix)) return false;
    const std::string_view name = slice.substr(0, slice.size() - kSliceSuffix.size());
    if (name == "-") return true;
    return !name.empty() && name.front() != '-' && name.back() != '-' &&
           name.find("--") == std::string_view::npos;
}

// "a-b.slice" is "a.slice/a-b.slice".
std::string slice_path(std::string_view slice) {
    if (slice == "-.slice") return "";
    const std::string_view name = slice.substr(0, slice.size() - kSliceSuffix.size());
    std::string path;
    for (auto dash = name.find('-'); dash != std::string_view::npos;
         dash = name.find('-', dash + 1)) {
        path += concat(name.substr(0, dash), kSliceSuffix, "/");
    }
    return concat(path, slice, "/");
}

std::string manager_path(const UserManager& user) {
    if (!user) return "";
    const std::string uid = std::to_string(*user);
    return concat("user.slice/user-", uid, ".slice/user@", uid, ".service/");
}

}  // namespace

UnitName unit_name(std::string_view cgroups_path, std::string_view id, const UserManager& user) {
    const std::string default_slice = user ? "user.slice" : "system.slice";
    if (cgroups_path.empty()) {
        UnitName name{default_slice, concat("lxcri-", escape(id), ".scope")};
        if (!is_unit_name(name.scope)) {
            throw Error(concat("the ID ", in_quotes(id), " is too long for the name of a unit"));
        }
        return name;
    }
    const auto parts = split(cgroups_path, ':');
    if (parts.size() != 3 || parts[2].empty()) {
        refuse(cgroups_path, "expected \"SLICE:PREFIX:NAME\" with systemd's cgroups");
    }
    UnitName name{parts[0].empty() ? default_slice : parts[0],
                  concat(parts[1], "-", parts[2], ".scope")};
    if (!is_slice_name(name.slice)) {
        refuse(cgroups_path, concat(in_quotes(name.slice), " is not a name of a slice"));
    }
    if (!is_unit_name(name.scope)) {
        refuse(cgroups_path, concat(in_quotes(name.scope), " is not a name of a unit"));
    }
    return name;
}

std::string unit_scope_path(const UnitName& name, const UserManager& user) {
    return concat(manager_path(user), slice_path(name.slice), name.scope);
}

std::string unit_container_path(const UnitName& name, const UserManager& user,
                                std::string_view directory) {
    return concat(unit_scope_path(name, user), "/", directory);
}

}  // namespace lxcri::cgroup
