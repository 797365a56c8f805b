#include "copy_up.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::hooks {

namespace {

using os::UniqueFd;

void copy_content(int from_fd, int to_fd, off_t size, const std::string& name) {
    while (size > 0) {
        const ssize_t copied = os::check(
            ::sendfile(to_fd, from_fd, nullptr, static_cast<std::size_t>(size)), "copy", name);
        if (copied == 0) return;  // it has become shorter
        size -= copied;
    }
}

void copy_attributes(int from_fd, int to_fd, const std::string& name) {
    const ssize_t length = ::flistxattr(from_fd, nullptr, 0);
    if (length <= 0) return;  // none, or a filesystem without them
    std::string names(static_cast<std::size_t>(length), '\0');
    const ssize_t got =
        os::check(::flistxattr(from_fd, names.data(), names.size()), "flistxattr", name);
    names.resize(static_cast<std::size_t>(got));
    for (const char* key = names.c_str(); key < names.c_str() + names.size();
         key += std::string_view(key).size() + 1) {
        std::array<char, 65536> value{};  // XATTR_SIZE_MAX
        const ssize_t size = ::fgetxattr(from_fd, key, value.data(), value.size());
        if (size < 0) continue;  // not for us to see
        // tmpfs does not keep every kind; what it does keep has to arrive.
        if (::fsetxattr(to_fd, key, value.data(), static_cast<std::size_t>(size), 0) == -1 &&
            errno != EOPNOTSUPP) {
            throw SystemError(errno, "fsetxattr", key);
        }
    }
}

// Owner before mode: chown takes the set-user-ID bits away.
void copy_owner_and_mode(const struct stat& status, int to_fd, const std::string& name) {
    os::check(::fchown(to_fd, status.st_uid, status.st_gid), "chown", name);
    os::check(::fchmod(to_fd, status.st_mode & 07777U), "chmod", name);
}

void copy_symlink(int from_fd, int to_fd, const std::string& name, const struct stat& status) {
    std::array<char, PATH_MAX> target{};
    os::check(::readlinkat(from_fd, name.c_str(), target.data(), target.size() - 1), "readlink",
              name);
    const int error = os::try_make_symlink(target.data(), to_fd, name.c_str());
    if (error != 0) throw SystemError(error, "symlink", name);
    os::check(::fchownat(to_fd, name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW),
              "chown", name);
}

// Of what was opened: a process of a running container may have put something else there since it
// was looked at, such as its own file in the place of one with the set-user-ID bit, or a device,
// which this process could read.
struct stat status_of(int fd, mode_t type, const std::string& name) {
    struct stat status {};
    os::check(::fstat(fd, &status), "stat", name);
    if ((status.st_mode & S_IFMT) != type) throw Error(concat(in_quotes(name), " has changed"));
    return status;
}

void copy_file(int from_fd, int to_fd, const std::string& name) {
    const UniqueFd from = os::open_at(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const auto status = status_of(from.get(), S_IFREG, name);
    const UniqueFd to = os::open_at(to_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    copy_content(from.get(), to.get(), status.st_size, name);
    copy_attributes(from.get(), to.get(), name);
    copy_owner_and_mode(status, to.get(), name);
}

void copy_subdirectory(int from_fd, int to_fd, const std::string& name) {
    const UniqueFd from = os::open_at(from_fd, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    const auto status = status_of(from.get(), S_IFDIR, name);
    os::check(::mkdirat(to_fd, name.c_str(), 0700), "mkdir", name);
    const UniqueFd to = os::open_at(to_fd, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    copy_directory(from.get(), to.get());
    copy_attributes(from.get(), to.get(), name);
    copy_owner_and_mode(status, to.get(), name);
}

void copy_entry(int from_fd, int to_fd, const std::string& name) {
    struct stat status {};
    os::check(::fstatat(from_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW), "stat", name);
    switch (status.st_mode & S_IFMT) {
        case S_IFREG:
            return copy_file(from_fd, to_fd, name);
        case S_IFDIR:
            return copy_subdirectory(from_fd, to_fd, name);
        case S_IFLNK:
            return copy_symlink(from_fd, to_fd, name, status);
        case S_IFSOCK:
            return;  // no process listens on a copy
        default:
            break;
    }
    os::check(::mknodat(to_fd, name.c_str(), status.st_mode, status.st_rdev), "mknod", name);
    os::check(::fchownat(to_fd, name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW),
              "chown", name);
}

}  // namespace

void copy_directory(int from_fd, int to_fd) {
    UniqueFd listing = os::open_at(from_fd, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(listing.get()), ::closedir);
    if (!dir) throw SystemError(errno, "fdopendir");
    (void)listing.release();
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") copy_entry(from_fd, to_fd, name);
    }
}

}  // namespace lxcri::hooks
