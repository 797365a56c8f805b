#include "mounts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "copy_up.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"
#include "overlay.h"

namespace lxcri::hooks {

namespace {

using handoff::MountAction;
using handoff::MountKind;
using os::RootedDir;
using os::UniqueFd;

struct stat status_of(int fd, std::string_view name) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat", name);
    return status;
}

// The places that everything else relies on must be plain directories of the image: behind a
// link the "procfs" that we and the container process write to could be anything
// (CVE-2019-19921, CVE-2023-27561).
bool must_be_plain_directory(const MountAction& action) {
    return action.destination == "/proc" || action.destination == "/sys" ||
           action.destination == "/dev" || action.type == "proc" || action.type == "sysfs";
}

void refuse_symlink(int rootfs_fd, const MountAction& action) {
    const UniqueFd plain(os::try_openat2(rootfs_fd, action.destination, O_PATH | O_NOFOLLOW, 0,
                                         RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS));
    if (!plain.valid()) {
        if (errno == ENOENT) return;  // it will be made
        if (errno == ELOOP) {
            throw Error(concat(in_quotes(action.destination),
                               " in the root filesystem is behind a symbolic link, it must be a "
                               "plain directory"));
        }
        throw SystemError(errno, "openat2", action.destination);
    }
    const mode_t mode = status_of(plain.get(), action.destination).st_mode;
    if (!S_ISDIR(mode)) {
        throw Error(concat(in_quotes(action.destination),
                           S_ISLNK(mode) ? " is a symbolic link" : " is not a directory",
                           " in the root filesystem, it must be a plain directory"));
    }
}

// What may be mounted on top of a procfs: single files that tell about the machine. Everything
// else would let a bundle forge what later steps read and write there (CVE-2019-16884).
bool may_cover_procfs(std::string_view destination) {
    constexpr std::array<std::string_view, 10> kFiles{"/proc/cpuinfo",
                                                      "/proc/diskstats",
                                                      "/proc/meminfo",
                                                      "/proc/stat",
                                                      "/proc/swaps",
                                                      "/proc/uptime",
                                                      "/proc/loadavg",
                                                      "/proc/slabinfo",
                                                      "/proc/sys/kernel/ns_last_pid",
                                                      "/proc/sys/crypto/fips_enabled"};
    return std::find(kFiles.begin(), kFiles.end(), destination) != kFiles.end();
}

bool is_same_file(int left_fd, int right_fd) {
    const struct stat left = status_of(left_fd, "left");
    const struct stat right = status_of(right_fd, "right");
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

// Whatever it is called: "/tmp/../proc", or a link of the image.
bool leads_to_proc(int rootfs_fd, int target_fd) {
    const auto proc = RootedDir(rootfs_fd).find("/proc", O_PATH);
    return proc && is_same_file(proc->get(), target_fd);
}

void check_proc_rules(int rootfs_fd, const MountAction& action, int mount_fd, int target_fd) {
    if (leads_to_proc(rootfs_fd, target_fd)) {
        if (!os::is_root_of_procfs(mount_fd)) {  // a part of it would pass for the whole
            throw Error("only a whole procfs can be mounted on \"/proc\"");
        }
        return;
    }
    if (os::is_on_procfs(target_fd) && !may_cover_procfs(action.destination)) {
        throw Error(concat(in_quotes(action.destination),
                           " is inside of the procfs and cannot be "
                           "mounted on"));
    }
}

// mount(8): a tmpfs looks like the directory that it covers unless mode= says something else.
bool has_mode_of_covered(const MountAction& action) {
    return action.kind == MountKind::filesystem && action.type == "tmpfs" &&
           std::none_of(action.data.begin(), action.data.end(),
                        [](const auto& item) { return item.starts_with("mode="); });
}

UniqueFd make_target(const RootedDir& root, const MountAction& action, bool directory) {
    if (!directory) return root.make_file(action.destination, 0644);
    // Of its own a tmpfs is open to all. What is made for one is as well, so that the next start
    // finds the same.
    const mode_t mode = has_mode_of_covered(action) ? 01777 : 0755;
    return root.make_directories(action.destination, 0755, mode);
}

UniqueFd find_or_make_target(const RootedDir& root, const MountAction& action, bool directory) {
    if (!action.destination_nofollow) return make_target(root, action, directory);
    constexpr int kTheLinkItself = O_PATH | O_NOFOLLOW;
    if (auto there = root.find(action.destination, kTheLinkItself)) return std::move(*there);
    (void)make_target(root, action, directory);
    return root.open(action.destination, kTheLinkItself);
}

UniqueFd open_target(int rootfs_fd, const MountAction& action, bool directory) {
    const bool is_plain = must_be_plain_directory(action);
    if (is_plain) refuse_symlink(rootfs_fd, action);  // in words; what counts is the next look
    const RootedDir root(rootfs_fd, is_plain ? os::Links::refuse : os::Links::follow);
    UniqueFd target = find_or_make_target(root, action, directory);
    refuse_root(rootfs_fd, target.get(), action.destination);
    if (!directory && S_ISDIR(status_of(target.get(), action.destination).st_mode)) {
        throw Error(concat("the source ", in_quotes(action.source), " is a file but ",
                           in_quotes(action.destination), " is a directory"));
    }
    return target;
}

std::optional<std::string> mode_of_covered(int target_fd, const MountAction& action) {
    if (!has_mode_of_covered(action)) return {};
    const mode_t mode = status_of(target_fd, action.destination).st_mode & 07777U;
    std::array<char, 8> octal{};
    std::snprintf(octal.data(), octal.size(), "%o", mode);
    return octal.data();
}

bool is_readonly_late(const MountAction& action) {
    return action.type == "tmpfs" && (action.set & MOUNT_ATTR_RDONLY) != 0;
}

struct OldFlag {
    std::string_view name;
    unsigned long flag;
};

constexpr std::array<OldFlag, 7> kOldFlags{{
    {"ro", MS_RDONLY},
    {"sync", MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC},
    {"lazytime", MS_LAZYTIME},
    {"mand", MS_MANDLOCK},
    {"iversion", MS_I_VERSION},
    {"silent", MS_SILENT},
}};

constexpr std::size_t kMaxData = 4095;  // mount(2): a page; the rest would be cut off

bool has_long_value(const MountAction& action) {
    return std::any_of(action.data.begin(), action.data.end(), [](const std::string& option) {
        return option.size() - std::min(option.find('='), option.size()) >
               os::kMaxFsconfigValue + 1;
    });
}

// Too long for both system calls.
bool is_overlay_of_many_layers(const MountAction& action) {
    std::size_t size = 0;
    for (const auto& option : action.data) size += option.size() + 1;
    return action.type == "overlay" && size > kMaxData && has_long_value(action);
}

bool needs_old_way(const MountAction& action) {
    // fsconfig(2) leaves it to filesystems that know it, mount(2) takes it for each.
    if (std::find(action.flags.begin(), action.flags.end(), "iversion") != action.flags.end()) {
        return true;
    }
    return action.source.size() > os::kMaxFsconfigValue ||
           (has_long_value(action) && !is_overlay_of_many_layers(action));
}

std::string in_one_text(const std::string& type, const std::string& option) {
    constexpr std::string_view kContext = "context=";
    if (option.starts_with(kContext)) {  // a label of SELinux has commas, which takes quotes
        return concat(kContext, "\"", std::string_view(option).substr(kContext.size()), "\"");
    }
    if (type == "overlay") return escape_commas(option);
    if (option.find(',') != std::string::npos) {
        throw Error(concat("option ", in_quotes(option),
                           " has a comma, which is not possible if another option has more than ",
                           std::to_string(os::kMaxFsconfigValue), " bytes"));
    }
    return option;
}

// The list of layers of an overlay gets long.
UniqueFd make_filesystem_old_way(int target_fd, const MountAction& action) {
    unsigned long flags = 0;
    for (const auto& [name, flag] : kOldFlags) {
        if (std::find(action.flags.begin(), action.flags.end(), name) != action.flags.end()) {
            flags |= flag;
        }
    }
    std::string data;
    for (const auto& option : action.data) {
        if (!data.empty()) data += ',';
        data += in_one_text(action.type, option);
    }
    if (const auto mode = mode_of_covered(target_fd, action)) {
        data += concat(data.empty() ? "" : ",", "mode=", *mode);
    }
    if (data.size() > kMaxData) throw Error("the options have more than 4095 bytes together");
    return os::mount_detached(action.type, action.source, flags, data, kScratchDirectory);
}

void set_options(os::NewFilesystem& filesystem, const MountAction& action) {
    filesystem.set_string("source", action.source);
    for (const auto& flag : action.flags) filesystem.set_flag(flag);
    for (const auto& option : action.data) filesystem.set_option(option);
}

// `target_fd`: where it is going to be.
UniqueFd make_filesystem(int target_fd, const MountAction& action, std::uint64_t attributes) {
    if (needs_old_way(action)) {
        UniqueFd mount = make_filesystem_old_way(target_fd, action);
        mount_attr late{};
        late.attr_set = attributes;
        if (attributes != 0) {
            os::set_mount_attributes(mount.get(), os::Reach::one_mount, late, action.destination);
        }
        return mount;
    }
    if (is_overlay_of_many_layers(action)) return make_overlay_layer_by_layer(action, attributes);
    os::NewFilesystem filesystem(action.type);
    set_options(filesystem, action);
    if (const auto mode = mode_of_covered(target_fd, action)) {
        filesystem.set_string("mode", *mode);
    }
    return filesystem.mount(static_cast<unsigned int>(attributes));
}

// In a user namespace the kernel makes a procfs or sysfs only with what restricts the ones that are
// in sight (mount_namespaces(7)): so a filesystem is born with its attributes. A tmpfs has to take
// mount points and devices before it is read-only, and a label is written.
std::uint64_t early_attributes(const MountAction& action) {
    std::uint64_t set = (action.set & ~action.recursive_clear) | action.recursive_set;
    if (!action.label.empty() || (action.type == "tmpfs" && action.copy_up)) {
        set &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
    }
    return is_readonly_late(action) ? set & ~(action.set & MOUNT_ATTR_RDONLY) : set;
}

// Flags of the host's mount that the bundle does not name. Those that came from a more privileged
// mount namespace are locked, and stay: mount_namespaces(7).
void clear_where_allowed(int mount_fd, std::uint64_t flags) {
    mount_attr attributes{};
    attributes.attr_clr = flags;
    if (flags == 0 || os::try_set_mount_attributes(mount_fd, os::Reach::one_mount, attributes) == 0)
        return;
    for (std::uint64_t flag = 1; flag <= flags; flag <<= 1U) {
        attributes.attr_clr = flags & flag;
        if (attributes.attr_clr == 0) continue;
        const int error = os::try_set_mount_attributes(mount_fd, os::Reach::one_mount, attributes);
        if (error != 0 && error != EPERM) throw SystemError(error, "mount_setattr");
    }
}

// Before the mount is attached, so that it never has fewer restrictions than asked for.
void apply_attributes(int mount_fd, const MountAction& action, std::uint64_t set) {
    clear_where_allowed(mount_fd, action.clear_if_allowed);
    if (set != 0 || action.clear != 0) {
        mount_attr attributes{};
        attributes.attr_set = set;
        attributes.attr_clr = action.clear;
        os::set_mount_attributes(mount_fd, os::Reach::one_mount, attributes, action.destination);
    }
    if (action.recursive_set != 0 || action.recursive_clear != 0) {
        mount_attr attributes{};
        attributes.attr_set = action.recursive_set;
        attributes.attr_clr = action.recursive_clear;
        os::set_mount_attributes(mount_fd, os::Reach::whole_tree, attributes, action.destination);
    }
}

void set_propagation(int mount_fd, std::uint64_t flags, std::string_view name) {
    mount_attr attributes{};
    attributes.propagation = flags & ~std::uint64_t{MS_REC};
    os::set_mount_attributes(mount_fd, os::reach((flags & MS_REC) != 0), attributes, name);
}

bool asks_for(const MountAction& action, std::uint64_t kind) {
    return std::any_of(action.propagation.begin(), action.propagation.end(),
                       [&](std::uint64_t flags) { return (flags & kind) != 0; });
}

// A copy of a shared mount of the host is its peer, and so is the copy of each mount below it:
// unless asked for, nothing may propagate to the host.
void apply_propagation(int mount_fd, const MountAction& action) {
    if (action.kind == MountKind::bind && !asks_for(action, MS_SHARED)) {
        const std::uint64_t kind = asks_for(action, MS_SLAVE) ? MS_SLAVE : MS_PRIVATE;
        set_propagation(mount_fd, kind | MS_REC, action.destination);
    }
    for (const auto flags : action.propagation) {
        if ((flags & MS_UNBINDABLE) == 0) set_propagation(mount_fd, flags, action.destination);
    }
}

// Set late; an option behind it takes it back.
std::uint64_t late_propagation(const MountAction& action) {
    if (action.propagation.empty()) return 0;
    const std::uint64_t last = action.propagation.back();
    return (last & MS_UNBINDABLE) != 0 ? last : 0;
}

void copy_up(int target_fd, int mount_fd) {
    const UniqueFd from = os::open_at(target_fd, ".", O_RDONLY | O_DIRECTORY);
    const UniqueFd to = os::open_at(mount_fd, ".", O_RDONLY | O_DIRECTORY);
    copy_directory(from.get(), to.get());
}

void set_label(int mount_fd, const std::string& label) {
    const UniqueFd root = os::open_at(mount_fd, ".", O_RDONLY | O_DIRECTORY);
    os::check(::fsetxattr(root.get(), "security.selinux", label.c_str(), label.size() + 1, 0),
              "/linux/mountLabel: set label", label);
}

}  // namespace

// A source in the root filesystem, with the earlier mounts of the list in it.
UniqueFd copy_from_inside(int rootfs_fd, const MountAction& action) {
    const int flags = action.source_nofollow ? O_PATH | O_NOFOLLOW : O_PATH;
    const UniqueFd source = RootedDir(rootfs_fd).open(action.source, flags);
    return os::clone_mount(source.get(), {}, os::reach(action.recursive));
}

namespace {

UniqueFd take_source(int rootfs_fd, const MountAction& action, SourceReceiver& sources) {
    if (action.source_inside) return copy_from_inside(rootfs_fd, action);
    if (!action.source_index) throw Error("internal error: a bind without a source");
    return action.source_late ? sources.ask_for(*action.source_index)
                              : sources.take(*action.source_index);
}

void place_symlink(int dir_fd, const std::string& text, const MountAction& action) {
    const std::string name(os::split_parent(action.destination).second);
    const int error = os::try_make_symlink(text.c_str(), dir_fd, name.c_str());
    if (error == 0) return;
    if (error != EEXIST || !action.copy_symlink) {
        throw SystemError(error, "symlink", action.destination);
    }
    const auto there = os::open_at(dir_fd, name, O_PATH | O_NOFOLLOW);
    if (os::find_link_text(there.get()) == text) return;
    throw Error(
        concat(in_quotes(action.destination), " exists and is not a link to ", in_quotes(text)));
}

// copy-symlink: the link of the host, with the same text.
void copy_symlink(int rootfs_fd, const MountAction& action, const std::string& text) {
    const auto parent = os::split_parent(action.destination).first;
    const UniqueFd dir = RootedDir(rootfs_fd).make_directories(parent, 0755);
    place_symlink(dir.get(), text, action);
}

void attach_prepared(PreparedMount prepared, const MountAction& action,
                     DelayedAttributes& delayed) {
    os::attach_mount(prepared.mount.get(), prepared.target.get(), action.destination);
    if (prepared.late_readonly || prepared.late_propagation != 0) {
        delayed.add({std::move(prepared.mount), action.pointer, prepared.late_readonly,
                     prepared.late_propagation});
    }
}

// In one call, if that is enough: no mount is below, one propagation is asked for, and nothing that
// is to be cleared is locked. Else nothing has changed.
bool try_apply_at_once(int mount_fd, const MountAction& action, std::uint64_t set) {
    const bool is_one_mount = !action.recursive && !action.takes_mounts_below;
    if (action.kind != MountKind::bind || !is_one_mount || !action.propagation.empty()) {
        return false;
    }
    mount_attr attributes{};
    attributes.attr_set = set | action.recursive_set;
    attributes.attr_clr = action.clear_if_allowed | action.clear | action.recursive_clear;
    attributes.propagation = MS_PRIVATE;
    const bool is_contradiction = (attributes.attr_set & attributes.attr_clr) != 0;
    return !is_contradiction &&
           os::try_set_mount_attributes(mount_fd, os::Reach::one_mount, attributes) == 0;
}

// `late_readonly`: others are made on it, so that it becomes read-only only after them.
PreparedMount finish(UniqueFd mount, UniqueFd target, const MountAction& action,
                     bool late_readonly) {
    const std::uint64_t set =
        late_readonly ? action.set & ~std::uint64_t{MOUNT_ATTR_RDONLY} : action.set;
    if (!try_apply_at_once(mount.get(), action, set)) {
        apply_propagation(mount.get(), action);
        apply_attributes(mount.get(), action, set);
    }
    return {std::move(mount), std::move(target), late_readonly, late_propagation(action)};
}

void attach(int rootfs_fd, const MountAction& action, SourceReceiver& sources,
            DelayedAttributes& delayed) {
    UniqueFd mount;
    if (action.kind == MountKind::bind) mount = take_source(rootfs_fd, action, sources);
    if (action.copy_symlink) {
        const auto text = os::find_link_text(mount.get());
        if (text) return copy_symlink(rootfs_fd, action, *text);
    }
    attach_prepared(prepare_mount(rootfs_fd, action, std::move(mount)), action, delayed);
}

void make_symlink(int rootfs_fd, const MountAction& action) {
    const auto parent = os::split_parent(action.destination).first;
    const UniqueFd dir = RootedDir(rootfs_fd).open(parent, O_PATH | O_DIRECTORY);
    place_symlink(dir.get(), action.source, action);
}

void change_attributes(int rootfs_fd, const MountAction& action) {
    const UniqueFd target = RootedDir(rootfs_fd).open(action.destination, O_PATH);
    apply_attributes(target.get(), action, action.set);
}

}  // namespace

UniqueFd SourceReceiver::take(std::uint32_t number) {
    while (!waiting_.contains(number)) {
        auto message = handoff::expect(channel_, handoff::MessageKind::sources);
        auto next = handoff::decode<handoff::SourceNumber>(message.body).first;
        if (message.fds.empty()) throw Error("internal error: a message without mount sources");
        for (auto& fd : message.fds) waiting_.insert_or_assign(next++, std::move(fd));
    }
    return std::move(waiting_.extract(number).mapped());
}

UniqueFd SourceReceiver::ask_for(std::uint32_t number) {
    handoff::send(channel_, handoff::MessageKind::want_source,
                  handoff::encode(handoff::SourceNumber{number}));
    return take(number);
}

void DelayedAttributes::apply() {
    for (const auto& entry : entries_) {
        if (entry.readonly) {
            mount_attr attributes{};
            attributes.attr_set = MOUNT_ATTR_RDONLY;
            os::set_mount_attributes(entry.mount.get(), os::Reach::one_mount, attributes,
                                     entry.pointer);
        }
        if (entry.propagation != 0) {
            set_propagation(entry.mount.get(), entry.propagation, entry.pointer);
        }
    }
}

void set_root_propagation(int rootfs_fd, std::uint64_t flags) {
    // liblxc has made it a slave of the host's mount, if that is shared.
    if ((flags & MS_SLAVE) != 0) return set_propagation(rootfs_fd, MS_SLAVE | MS_REC, "/");
    set_propagation(rootfs_fd, MS_PRIVATE | MS_REC, "/");
    if ((flags & MS_REC) == 0) return;
    set_propagation(rootfs_fd, flags, "/");
    set_propagation(rootfs_fd, MS_PRIVATE, "/");  // init gives the root itself what it asks for
}

void refuse_root(int rootfs_fd, int target_fd, std::string_view path) {
    if (is_same_file(rootfs_fd, target_fd)) {
        throw Error(concat(in_quotes(path), " leads to the root itself"));
    }
}

void refuse_old_way(const std::vector<MountAction>& mounts) {
    for (const auto& action : mounts) {
        if (action.kind != MountKind::filesystem || !needs_old_way(action)) continue;
        throw Error(concat(action.pointer, ": \"iversion\", or a text of more than ",
                           std::to_string(os::kMaxFsconfigValue),
                           " bytes, needs a mount namespace of the container's own"));
    }
}

PreparedMount prepare_mount(int rootfs_fd, const MountAction& action, UniqueFd mount) {
    const bool directory = !mount.valid() || S_ISDIR(status_of(mount.get(), action.source).st_mode);
    // Looked up once: whatever depends on the place asks what was found.
    UniqueFd target = open_target(rootfs_fd, action, directory);
    if (!mount.valid()) {
        mount = make_filesystem(target.get(), action, early_attributes(action));
    }
    check_proc_rules(rootfs_fd, action, mount.get(), target.get());
    if (!action.label.empty()) set_label(mount.get(), action.label);
    if (action.copy_up) copy_up(target.get(), mount.get());
    return finish(std::move(mount), std::move(target), action, is_readonly_late(action));
}

UniqueFd make_filesystem_outside(const MountAction& action) {
    return make_filesystem(-1, action, early_attributes(action));
}

std::optional<UniqueFd> try_make_proc_of(int pid_namespace, const MountAction& action) {
    os::NewFilesystem filesystem(action.type);
    try {
        filesystem.set_fd("pidns", pid_namespace);
    } catch (const SystemError& error) {
        if (error.code() == EINVAL) return {};
        throw;
    }
    set_options(filesystem, action);
    return filesystem.mount(static_cast<unsigned int>(early_attributes(action)));
}

void make_mount(int rootfs_fd, const MountAction& action, SourceReceiver& sources,
                DelayedAttributes& delayed) {
    in_context(action.pointer, [&] {
        switch (action.kind) {
            case MountKind::bind:
            case MountKind::filesystem:
                return attach(rootfs_fd, action, sources, delayed);
            case MountKind::symlink:
                return make_symlink(rootfs_fd, action);
            case MountKind::attributes:
                return change_attributes(rootfs_fd, action);
        }
    });
}

UniqueFd cover_root(int rootfs_fd, const MountAction& action, SourceReceiver& sources,
                    DelayedAttributes& delayed) {
    return in_context(action.pointer, [&] {
        UniqueFd mount = take_source(rootfs_fd, action, sources);
        UniqueFd root = os::duplicate(mount.get());
        // liblxc refuses a root filesystem that is covered, and wants a procfs: there is a place.
        mount_temporary_proc(rootfs_fd);
        UniqueFd place = RootedDir(rootfs_fd).open(handoff::kCoveringRoot, O_PATH | O_DIRECTORY);
        const bool late_readonly = (action.set & MOUNT_ATTR_RDONLY) != 0;
        attach_prepared(finish(std::move(mount), std::move(place), action, late_readonly), action,
                        delayed);
        return root;
    });
}

void mount_temporary_proc(int rootfs_fd) {
    MountAction action;
    action.destination = "/proc";
    action.type = "proc";
    action.source = "proc";
    action.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    const UniqueFd target = open_target(rootfs_fd, action, true);
    UniqueFd mount;
    try {
        mount = make_filesystem(target.get(), action, action.set);
    } catch (const SystemError& error) {
        if (error.code() != EPERM) throw;
        // The pid namespace belongs to another user namespace, the host's for example: so does
        // every procfs that shows it.
        mount = os::clone_mount(AT_FDCWD, "/proc", os::Reach::whole_tree);
        set_propagation(mount.get(), MS_PRIVATE | MS_REC, "/proc");
    }
    os::attach_mount(mount.get(), target.get(), action.destination);
}

}  // namespace lxcri::hooks
