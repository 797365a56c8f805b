#include "translate/mount_options.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace lxcri::translate {

namespace {

// What mount_setattr(2) can do to one mount. "r" before the name: to all mounts below as well.
struct AttributeOption {
    std::string_view name;
    std::uint64_t set;
    std::uint64_t clear;
};

constexpr std::uint64_t kAtime = MOUNT_ATTR__ATIME;

constexpr std::array<AttributeOption, 18> kAttributes{{
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    // Exactly one of the access time modes holds, so setting one clears the field first.
    {"noatime", MOUNT_ATTR_NOATIME, kAtime},
    {"relatime", MOUNT_ATTR_RELATIME, kAtime},
    {"strictatime", MOUNT_ATTR_STRICTATIME, kAtime},
    // Back to what the kernel does by itself.
    {"atime", MOUNT_ATTR_RELATIME, kAtime},
    {"norelatime", MOUNT_ATTR_STRICTATIME, kAtime},
    {"nostrictatime", MOUNT_ATTR_RELATIME, kAtime},
}};

struct PropagationOption {
    std::string_view name;
    std::uint64_t flags;
};

constexpr std::array<PropagationOption, 8> kPropagationOptions{{
    {"shared", MS_SHARED},
    {"rshared", MS_SHARED | MS_REC},
    {"slave", MS_SLAVE},
    {"rslave", MS_SLAVE | MS_REC},
    {"private", MS_PRIVATE},
    {"rprivate", MS_PRIVATE | MS_REC},
    {"unbindable", MS_UNBINDABLE},
    {"runbindable", MS_UNBINDABLE | MS_REC},
}};

// Flags of the filesystem as a whole, by the names that fsconfig(2) knows; "" for those that are
// the way it is anyway.
struct FilesystemFlag {
    std::string_view name;
    std::string_view flag;
};

constexpr std::array<FilesystemFlag, 12> kFilesystemFlags{{
    {"sync", "sync"},
    {"async", "async"},
    {"dirsync", "dirsync"},
    {"lazytime", "lazytime"},
    {"nolazytime", "nolazytime"},
    {"mand", "mand"},
    {"nomand", "nomand"},
    {"iversion", "iversion"},  // by those filesystems that count versions
    {"noiversion", ""},
    {"silent", ""},
    {"loud", ""},
    {"defaults", ""},
}};

template <class Row, std::size_t N>
const Row* find_row(const std::array<Row, N>& table, std::string_view name) {
    const auto row =
        std::find_if(table.begin(), table.end(), [&](const Row& r) { return r.name == name; });
    return row == table.end() ? nullptr : &*row;
}

// A later option takes back what an earlier one asked for.
void merge(const AttributeOption& option, std::uint64_t& set, std::uint64_t& clear) {
    set = (set & ~option.clear) | option.set;
    clear = (clear & ~option.set) | option.clear;
    // mount_setattr(2) wants the whole access time field cleared when one of its values is set.
    if ((clear & kAtime) != 0) clear |= kAtime;
}

// mount(2) gets all data as one text and takes it apart at the commas; so does whoever writes
// several in one string. But not those in quotes (labels), behind a backslash, or in front of a
// digit, which are part of a list (mpol=bind:0,2).
void add_data(std::string_view option, std::vector<std::string>& data) {
    bool in_quotes = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < option.size(); ++i) {
        if (option[i] == '"') in_quotes = !in_quotes;
        if (option[i] != ',' || in_quotes || i == 0 || option[i - 1] == '\\') continue;
        if (i + 1 < option.size() && option[i + 1] >= '0' && option[i + 1] <= '9') continue;
        if (i > begin) data.emplace_back(option.substr(begin, i - begin));
        begin = i + 1;
    }
    if (begin < option.size()) data.emplace_back(option.substr(begin));
}

// Paths with commas are nothing special where each option comes by itself.
bool has_paths(std::string_view type) {
    return type == "overlay" || type.starts_with("fuse");
}

}  // namespace

bool is_bind(const std::vector<std::string>& options) {
    return std::any_of(options.begin(), options.end(), [](const std::string& option) {
        return option == "bind" || option == "rbind";
    });
}

void sort_mount_options(const std::vector<std::string>& options, const std::string& pointer,
                        handoff::MountAction& action, std::vector<std::string>& warnings) {
    const bool bind = action.kind == handoff::MountKind::bind;
    for (std::size_t i = 0; i < options.size(); ++i) {
        const std::string_view option = options[i];
        const auto here = [&] { return concat(pointer, "/options/", std::to_string(i)); };
        if (option == "bind" || option == "rbind" || option.empty()) continue;
        if (const auto* row = find_row(kAttributes, option)) {
            merge(*row, action.set, action.clear);
        } else if (const auto* recursive =
                       option.front() == 'r' ? find_row(kAttributes, option.substr(1)) : nullptr) {
            merge(*recursive, action.recursive_set, action.recursive_clear);
        } else if (const auto* propagation = find_row(kPropagationOptions, option)) {
            action.propagation.push_back(propagation->flags);
        } else if (option == "tmpcopyup") {
            // Callers send it for a tmpfs only; elsewhere there is nothing to copy to.
            action.copy_up = action.type == "tmpfs";
        } else if (option == "idmap" || option == "ridmap") {
            continue;  // mounts.cpp: it depends on the mappings
        } else if (option == "remount") {
            throw SpecError(here(), "\"remount\" has nothing to remount: every mount is new");
        } else if (const auto* flag = find_row(kFilesystemFlags, option)) {
            // On a bind mount they belong to a filesystem that is not ours to change.
            if (!bind && !flag->flag.empty()) action.flags.emplace_back(flag->flag);
        } else if (bind && option.find('=') != std::string_view::npos) {
            // mount(2): "The data argument is ignored" where a mount is bound.
            warnings.push_back(
                concat(here(), ": ", in_quotes(option), " has no effect on a bind mount"));
        } else if (bind) {
            throw SpecError(here(), concat(in_quotes(option), " is no option of a bind mount"));
        } else if (has_paths(action.type)) {
            action.data.emplace_back(option);
        } else {
            add_data(option, action.data);
        }
    }
}

std::vector<std::string> mount_option_names() {
    std::vector<std::string> names{"bind", "rbind", "idmap", "ridmap", "tmpcopyup"};
    for (const auto& row : kAttributes) {
        names.emplace_back(row.name);
        names.push_back(concat("r", row.name));
    }
    for (const auto& row : kPropagationOptions) names.emplace_back(row.name);
    for (const auto& row : kFilesystemFlags) names.emplace_back(row.name);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace lxcri::translate
