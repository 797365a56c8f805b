#include "os/file.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/strings.h"
#include "os/check.h"

namespace lxcri::os {

UniqueFd open_at(int dir_fd, const std::string& path, int flags, mode_t mode) {
    const int fd =
        retry([&] { return ::openat(dir_fd, path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode); });
    return UniqueFd(check(fd, "open", path));
}

std::optional<UniqueFd> find_at(int dir_fd, const std::string& path, int flags) {
    const int fd =
        retry([&] { return ::openat(dir_fd, path.c_str(), flags | O_CLOEXEC | O_NOCTTY); });
    if (fd == -1 && errno == ENOENT) return {};
    return UniqueFd(check(fd, "open", path));
}

std::string read_all(int fd, std::string_view name, std::size_t limit, std::size_t expected) {
    std::array<char, 16384> buffer;  // not filled with zeros: most files are small
    std::string data;
    while (true) {
        if (data.size() > limit) throw SystemError(EFBIG, "read", name);
        const ssize_t got =
            check(retry([&] { return ::read(fd, buffer.data(), buffer.size()); }), "read", name);
        if (got == 0) return data;
        data.append(buffer.data(), static_cast<std::size_t>(got));
        if (data.size() == expected) return data;
    }
}

std::string read_file_at(int dir_fd, const std::string& path) {
    return read_all(open_at(dir_fd, path, O_RDONLY).get(), path);
}

std::optional<std::string> find_file_at(int dir_fd, const std::string& path) {
    const auto fd = find_at(dir_fd, path, O_RDONLY);
    if (!fd) return {};
    return read_all(fd->get(), path);
}

std::optional<std::string> find_value_at(int dir_fd, const std::string& path) {
    const auto fd = find_at(dir_fd, path, O_RDONLY);
    if (!fd) return {};
    std::array<char, 4096> buffer;  // not filled with zeros
    const ssize_t got =
        check(retry([&] { return ::read(fd->get(), buffer.data(), buffer.size()); }), "read", path);
    if (static_cast<std::size_t>(got) == buffer.size()) throw SystemError(EFBIG, "read", path);
    return std::string(buffer.data(), static_cast<std::size_t>(got));
}

std::optional<std::string> find_regular_file_at(int dir_fd, const std::string& name) {
    const auto fd = find_at(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd) return {};
    struct stat status {};
    check(::fstat(fd->get(), &status), "fstat", name);
    if (!S_ISREG(status.st_mode)) throw Error(concat(in_quotes(name), " is not a regular file"));
    return read_all(fd->get(), name, kLargestFile, static_cast<std::size_t>(status.st_size));
}

void write_all(int fd, std::string_view data, std::string_view name) {
    while (!data.empty()) {
        const ssize_t written =
            check(retry([&] { return ::write(fd, data.data(), data.size()); }), "write", name);
        data.remove_prefix(static_cast<std::size_t>(written));
    }
}

int try_write_value_at(int dir_fd, const std::string& path, std::string_view value) {
    const UniqueFd fd(::openat(dir_fd, path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd.valid()) return errno;
    const ssize_t written = retry([&] { return ::write(fd.get(), value.data(), value.size()); });
    if (written == -1) return errno;
    return static_cast<std::size_t>(written) == value.size() ? 0 : EIO;
}

void write_value_at(int dir_fd, const std::string& path, std::string_view value) {
    if (const int error = try_write_value_at(dir_fd, path, value); error != 0) {
        throw SystemError(error, concat("write ", in_quotes(value), " to"), path);
    }
}

void publish_at(int dir_fd, const std::string& name, std::string_view data, mode_t mode) {
    const UniqueFd file(
        ::openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, static_cast<unsigned>(mode)));
    // Not every filesystem can make a file without a name: open(2).
    if (!file.valid()) return write_atomically_at(dir_fd, name, data, mode);
    write_all(file.get(), data, name);
    const auto source = concat("/proc/self/fd/", std::to_string(file.get()));
    while (::linkat(AT_FDCWD, source.c_str(), dir_fd, name.c_str(), AT_SYMLINK_FOLLOW) == -1) {
        if (errno != EEXIST) throw SystemError(errno, "link", name);
        if (::unlinkat(dir_fd, name.c_str(), 0) == -1 && errno != ENOENT) {
            throw SystemError(errno, "unlink", name);
        }
    }
}

void write_atomically_at(int dir_fd, const std::string& name, std::string_view data, mode_t mode) {
    const std::string temporary = concat(".", name, ".", std::to_string(::getpid()));
    try {
        const UniqueFd file =
            open_at(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        write_all(file.get(), data, temporary);
        check(::renameat(dir_fd, temporary.c_str(), dir_fd, name.c_str()), "rename", name);
    } catch (const SystemError& error) {
        // EEXIST: another process has made the file, so it is not ours to remove.
        if (error.code() != EEXIST) ::unlinkat(dir_fd, temporary.c_str(), 0);
        throw;
    }
}

UniqueFd make_sealed_memfd(const char* name, std::string_view data) {
    UniqueFd fd(check(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create", name));
    write_all(fd.get(), data, name);
    check(::lseek(fd.get(), 0, SEEK_SET), "lseek", name);
    check(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
          "fcntl F_ADD_SEALS", name);
    return fd;
}

std::optional<std::string> find_link_text(int fd) {
    struct stat status {};
    check(::fstat(fd, &status), "fstat");
    if (!S_ISLNK(status.st_mode)) return {};
    std::array<char, PATH_MAX> text{};
    const auto length = check(::readlinkat(fd, "", text.data(), text.size()), "readlink");
    return std::string(text.data(), static_cast<std::size_t>(length));
}

int try_make_symlink(const char* target, int dir_fd, const char* name) noexcept {
    return ::syscall(SYS_symlinkat, target, dir_fd, name) == 0 ? 0 : errno;
}

std::string path_of(int fd) {
    std::string path(PATH_MAX, '\0');
    const auto link = concat("/proc/self/fd/", std::to_string(fd));
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return path.starts_with('/') ? path : std::string();
}

UniqueFd duplicate(int fd) {
    return UniqueFd(check(::fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl F_DUPFD_CLOEXEC"));
}

}  // namespace lxcri::os
