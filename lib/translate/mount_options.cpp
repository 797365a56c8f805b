#include "translate/mount_options.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/kernel_mount.h"
#include "base/strings.h"
#include "translate/mount_id_mappings.h"

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
// the way it is anyway. `changes`: is it more than the way it is without any option?
struct FilesystemFlag {
    std::string_view name;
    std::string_view flag;
    bool changes;
};

constexpr std::array<FilesystemFlag, 12> kFilesystemFlags{{
    {"sync", "sync", true},
    {"async", "async", false},
    {"dirsync", "dirsync", true},
    {"lazytime", "lazytime", true},
    {"nolazytime", "nolazytime", false},
    {"mand", "mand", true},
    {"nomand", "nomand", false},
    {"iversion", "iversion", true},  // by those filesystems that count versions
    {"noiversion", "", false},
    {"silent", "", false},
    {"loud", "", false},
    {"defaults", "", false},
}};

template <class Row, std::size_t N>
const Row* find_row(const std::array<Row, N>& table, std::string_view name) {
    const auto row =
        std::find_if(table.begin(), table.end(), [&](const Row& r) { return r.name == name; });
    return row == table.end() ? nullptr : &*row;
}

// What these do to a bind mount, and nothing to another.
constexpr std::array<std::string_view, 3> kBindWords{"copy-symlink", "src-nofollow",
                                                     "dest-nofollow"};

bool is_bind_word(std::string_view option) {
    return std::find(kBindWords.begin(), kBindWords.end(), option) != kBindWords.end();
}

void set_bind_word(std::string_view option, handoff::MountAction& action) {
    if (option == "copy-symlink") action.copy_symlink = true;
    if (option == "dest-nofollow") action.destination_nofollow = true;
    if (option != "dest-nofollow") action.source_nofollow = true;
}

// Data that a new filesystem would get. The kernel ignores all data of a bind mount, and these say
// nothing about who may do what in there; callers and the validation suite give them.
bool is_harmless_on_a_bind(std::string_view option) {
    constexpr std::array<std::string_view, 4> kKeys{"mode", "size", "nr_blocks", "nr_inodes"};
    const auto equals = option.find('=');
    return equals != std::string_view::npos &&
           std::find(kKeys.begin(), kKeys.end(), option.substr(0, equals)) != kKeys.end();
}

// A later option takes back what an earlier one asked for.
void merge(const AttributeOption& option, std::uint64_t& set, std::uint64_t& clear) {
    set = (set & ~option.clear) | option.set;
    clear = (clear & ~option.set) | option.clear;
    // mount_setattr(2) wants the whole access time field cleared when one of its values is set.
    if ((clear & kAtime) != 0) clear |= kAtime;
}

// mount(2) gets all data as one text and splits it at the commas; an option of config.json may also
// have several in one string. Commas in quotes (labels), behind a backslash, or in front of a
// digit do not split: they are part of a value (mpol=bind:0,2).
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

// A directory of an overlay may have commas in its name, which as an option of its own is nothing
// special. So only what begins with the name of an option begins one; a backslash in front of the
// comma says that it does not.
bool begins_overlay_option(std::string_view text) {
    constexpr std::array<std::string_view, 21> kNames{"lowerdir",
                                                      "lowerdir+",
                                                      "datadir+",
                                                      "upperdir",
                                                      "workdir",
                                                      "default_permissions",
                                                      "redirect_dir",
                                                      "index",
                                                      "nfs_export",
                                                      "uuid",
                                                      "xino",
                                                      "metacopy",
                                                      "userxattr",
                                                      "volatile",
                                                      "verity",
                                                      "override_creds",
                                                      "nooverride_creds",
                                                      "context",
                                                      "fscontext",
                                                      "defcontext",
                                                      "rootcontext"};
    const std::string_view name = text.substr(0, text.find_first_of("=,"));
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void add_overlay_data(std::string_view option, std::vector<std::string>& data) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < option.size(); ++i) {
        if (option[i] == '\\') {
            ++i;
        } else if (option[i] == ',' && begins_overlay_option(option.substr(i + 1))) {
            data.emplace_back(option.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    data.emplace_back(option.substr(begin));
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
    bool names_attributes = false;
    for (std::size_t i = 0; i < options.size(); ++i) {
        const std::string_view option = options[i];
        const auto here = [&] { return concat(pointer, "/options/", std::to_string(i)); };
        const auto warn_no_effect = [&](std::string_view where) {
            warnings.push_back(
                concat(here(), ": ", in_quotes(option), " has no effect on ", where));
        };
        if (option == "bind" || option == "rbind" || option.empty()) continue;
        if (const auto* row = find_row(kAttributes, option)) {
            merge(*row, action.set, action.clear);
            names_attributes = true;
        } else if (const auto* recursive =
                       option.front() == 'r' ? find_row(kAttributes, option.substr(1)) : nullptr) {
            merge(*recursive, action.recursive_set, action.recursive_clear);
        } else if (const auto* propagation = find_row(kPropagationOptions, option)) {
            action.propagation.push_back(propagation->flags);
        } else if (option == "tmpcopyup") {
            action.copy_up = action.type == "tmpfs";
            if (!action.copy_up) warn_no_effect("a mount that is not a tmpfs");
        } else if (is_id_map_option(option)) {
            continue;  // mount_id_mappings.cpp
        } else if (is_bind_word(option)) {
            if (!bind) throw SpecError(here(), concat(in_quotes(option), " is for bind mounts"));
            set_bind_word(option, action);
        } else if (option == "remount") {
            throw SpecError(here(), "\"remount\" is not possible: every mount is new");
        } else if (const auto* flag = find_row(kFilesystemFlags, option)) {
            // On a bind mount they belong to a filesystem that is not ours to change.
            if (!bind && !flag->flag.empty()) action.flags.emplace_back(flag->flag);
            if (bind && flag->changes) warn_no_effect("a bind mount");
        } else if (bind && is_harmless_on_a_bind(option)) {
            warn_no_effect("a bind mount");
        } else if (bind) {
            throw SpecError(here(), concat(in_quotes(option), " is not an option of a bind mount"));
        } else if (action.type == "overlay") {
            add_overlay_data(option, action.data);
        } else if (action.type.starts_with("fuse")) {
            action.data.emplace_back(option);  // paths with commas, each by itself
        } else {
            add_data(option, action.data);
        }
    }
    if (action.copy_symlink &&
        std::any_of(options.begin(), options.end(), [](const std::string& option) {
            return option == "src-nofollow" || option == "dest-nofollow";
        })) {
        throw SpecError(concat(pointer, "/options"),
                        "copy-symlink cannot be combined with src-nofollow or dest-nofollow");
    }
    // As callers know it: who names any attribute of a bind mount names all of these.
    if (!bind || !names_attributes) return;
    constexpr std::uint64_t kOfTheSource = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    action.clear_if_allowed = kOfTheSource & ~(action.set | action.clear | action.recursive_set);
}

std::vector<std::string> mount_option_names() {
    std::vector<std::string> names{"bind", "rbind", "idmap", "ridmap", "tmpcopyup"};
    names.insert(names.end(), kBindWords.begin(), kBindWords.end());
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
