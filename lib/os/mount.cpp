#include "os/mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mountinfo.h"

namespace lxcri::os {

UniqueFd clone_mount(int dir_fd, const std::string& path, Reach reach, unsigned int flags) {
    flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (reach == Reach::whole_tree) flags |= AT_RECURSIVE;
    if (path.empty()) flags |= AT_EMPTY_PATH;
    const auto fd = ::syscall(SYS_open_tree, dir_fd, path.c_str(), flags);
    return UniqueFd(static_cast<int>(check(fd, "open_tree", path)));
}

void set_mount_attributes(int mount_fd, Reach reach, const mount_attr& attributes,
                          std::string_view name) {
    const int error = try_set_mount_attributes(mount_fd, reach, attributes);
    if (error != 0) throw SystemError(error, "mount_setattr", name);
}

int try_set_mount_attributes(int mount_fd, Reach reach, const mount_attr& attributes) noexcept {
    const unsigned int flags = AT_EMPTY_PATH | (reach == Reach::whole_tree ? AT_RECURSIVE : 0U);
    const long result =
        ::syscall(SYS_mount_setattr, mount_fd, "", flags, &attributes, sizeof attributes);
    return result == -1 ? errno : 0;
}

std::uint64_t mount_id(int fd) {
    struct statx status {};
    check(::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status), "statx");
    if ((status.stx_mask & STATX_MNT_ID) == 0) throw Error("the kernel tells no mount ID");
    return status.stx_mnt_id;
}

bool has_mount(std::uint64_t id) {
    const std::string text = read_file_at(AT_FDCWD, "/proc/self/mountinfo");
    const auto mounts = parse_mount_lines(text);
    return std::any_of(mounts.begin(), mounts.end(), [&](const MountLine& mount) {
        return static_cast<std::uint64_t>(mount.id) == id;
    });
}

bool is_on_procfs(int fd) {
    struct statfs filesystem {};
    check(::fstatfs(fd, &filesystem), "fstatfs");
    return filesystem.f_type == PROC_SUPER_MAGIC;
}

bool is_root_of_procfs(int fd) {
    constexpr ino_t kProcRoot = 1;  // PROC_ROOT_INO
    struct stat status {};
    check(::fstat(fd, &status), "fstat");
    return status.st_ino == kProcRoot && is_on_procfs(fd);
}

void detach_mount(int fd, std::string_view name) {
    const std::string path = concat("/proc/self/fd/", std::to_string(fd));
    check(::umount2(path.c_str(), MNT_DETACH), "umount", name);
}

void attach_mount(int mount_fd, int target_fd, std::string_view name) {
    check(::syscall(SYS_move_mount, mount_fd, "", target_fd, "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
          "move_mount", name);
}

NewFilesystem::NewFilesystem(const std::string& type)
    : type_(type),
      fd_(static_cast<int>(
          check(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC), "fsopen", type))) {}

void NewFilesystem::set_flag(const std::string& key) {
    if (::syscall(SYS_fsconfig, fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == -1) {
        fail(concat("option ", in_quotes(key)));
    }
}

void NewFilesystem::set_string(const std::string& key, const std::string& value) {
    if (::syscall(SYS_fsconfig, fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) ==
        -1) {
        fail(concat("option ", in_quotes(concat(key, "=", value))));
    }
}

void NewFilesystem::set_option(const std::string& option) {
    const auto equals = option.find('=');
    if (equals == std::string::npos) return set_flag(option);
    set_string(option.substr(0, equals), option.substr(equals + 1));
}

void NewFilesystem::set_fd(const std::string& key, int value) {
    if (::syscall(SYS_fsconfig, fd_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, value) == -1) {
        fail(concat("option ", in_quotes(key)));
    }
}

UniqueFd NewFilesystem::mount(unsigned int attributes) {
    if (::syscall(SYS_fsconfig, fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == -1) {
        fail("create");
    }
    const auto fd = ::syscall(SYS_fsmount, fd_.get(), FSMOUNT_CLOEXEC, attributes);
    if (fd == -1) fail("fsmount");
    return UniqueFd(static_cast<int>(fd));
}

UniqueFd mount_detached(const std::string& type, const std::string& source, unsigned long flags,
                        const std::string& data, const char* scratch) {
    check(::syscall(SYS_mount, source.c_str(), scratch, type.c_str(), flags, data.c_str()),
          concat("mount a ", type));
    UniqueFd mount;
    try {
        mount = clone_mount(AT_FDCWD, scratch, Reach::one_mount);
    } catch (const SystemError&) {
        ::syscall(SYS_umount2, scratch, MNT_DETACH);
        throw;
    }
    check(::syscall(SYS_umount2, scratch, MNT_DETACH), "umount", scratch);
    return mount;
}

void NewFilesystem::fail(std::string_view step) const {
    const int code = errno;
    // The context keeps the kernel's own words, one message a read: "e tmpfs: Bad value for 'x'".
    std::array<char, 512> buffer{};
    const ssize_t length = ::read(fd_.get(), buffer.data(), buffer.size());
    std::string_view words;
    if (length > 2) words = {buffer.data() + 2, static_cast<std::size_t>(length - 2)};
    while (!words.empty() && words.back() == '\n') words.remove_suffix(1);
    std::string what = concat("mount a ", type_, ": ", step);
    if (!words.empty()) what += concat(" (", words, ")");
    throw SystemError(code, what);
}

}  // namespace lxcri::os
