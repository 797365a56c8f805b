#pragma once
// Files through descriptors. Every descriptor made here is O_CLOEXEC from birth.

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::os {

// openat(2) + O_CLOEXEC + O_NOCTTY. `dir_fd` may be AT_FDCWD.
UniqueFd open_at(int dir_fd, const std::string& path, int flags, mode_t mode = 0);
// The same. Returns nullopt if the path does not exist (ENOENT).
std::optional<UniqueFd> find_at(int dir_fd, const std::string& path, int flags);

inline constexpr std::size_t kLargestFile = 64U << 20U;

// The whole content. Throws SystemError(EFBIG) if it is longer than `limit` bytes. A file that is
// `expected` bytes long, 0 for unknown, is not asked for more once they are there.
std::string read_all(int fd, std::string_view name, std::size_t limit = kLargestFile,
                     std::size_t expected = 0);
std::string read_file_at(int dir_fd, const std::string& path);
// Returns nullopt if the file does not exist.
std::optional<std::string> find_file_at(int dir_fd, const std::string& path);
// The same for a file of procfs or cgroupfs that has one line or a few (at most 4095 bytes): the
// kernel gives them with one read(2).
std::optional<std::string> find_value_at(int dir_fd, const std::string& path);
// As find_file_at() for a file that lxcri has written: never waits, follows no link. Throws Error
// for a FIFO, a device or a directory.
std::optional<std::string> find_regular_file_at(int dir_fd, const std::string& name);

void write_all(int fd, std::string_view data, std::string_view name);
// One write(2) of the whole value, as files of procfs, sysfs and cgroupfs want it.
void write_value_at(int dir_fd, const std::string& path, std::string_view value);
// The same; returns the errno instead of throwing it, 0 for success.
int try_write_value_at(int dir_fd, const std::string& path, std::string_view value);

// Makes `name` appear with its whole content or not at all. Uses no temporary name, which would
// stay if we are killed. Removes an existing file before.
void publish_at(int dir_fd, const std::string& name, std::string_view data, mode_t mode);
// The same by a temporary name and rename(2): there is always the old content or the new one.
void write_atomically_at(int dir_fd, const std::string& name, std::string_view data, mode_t mode);

// An unnamed file in memory with this content, sealed against every later change, at offset 0.
UniqueFd make_sealed_memfd(const char* name, std::string_view data);

// Removes the directory with all that is in it; does not follow links.
void remove_tree_at(int dir_fd, const std::string& name);

UniqueFd duplicate(int fd);

// The path that the kernel gives (/proc/self/fd). Returns "" if the file was removed or has none.
std::string path_of(int fd);

// The text of the symbolic link of this O_PATH descriptor. Returns nullopt if it is not a link.
std::optional<std::string> find_link_text(int fd);

// symlinkat(2), as 0 or an errno. The system call itself: lxcri-start has the C library's function
// for liblxc.
int try_make_symlink(const char* target, int dir_fd, const char* name) noexcept;

}  // namespace lxcri::os
