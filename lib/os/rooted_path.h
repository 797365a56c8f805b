#pragma once
// Paths below a directory that a hostile user may have filled: resolved with openat2(2) and
// RESOLVE_IN_ROOT, so that neither "..", nor an absolute or relative symlink, nor a folder swapped
// while we look leads out. Nothing here joins strings and resolves them again.

#include <linux/openat2.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::os {

// Symbolic links on the way are followed inside the root, or are an error (ELOOP).
enum class Links { follow, refuse };

class RootedDir {
  public:
    // `root_fd` is borrowed: a directory (O_PATH will do) that acts as "/".
    explicit RootedDir(int root_fd, Links links = Links::follow) noexcept
        : root_fd_(root_fd), links_(links) {}

    int fd() const noexcept { return root_fd_; }

    // Opens what `path` means inside. O_CLOEXEC is added.
    UniqueFd open(std::string_view path, int flags, mode_t mode = 0) const;
    // Returns nullopt if it does not exist: ENOENT, or ENOTDIR for a component.
    std::optional<UniqueFd> find(std::string_view path, int flags) const;

    // Opens the directory `path` (O_PATH); missing components are made with `mode` (umask
    // applies), also those that a link leads to: it is followed by hand, through descriptors, as
    // seen from the root (path_walk.h). `last_mode`: of the last one, where it is another.
    UniqueFd make_directories(std::string_view path, mode_t mode,
                              std::optional<mode_t> last_mode = {}) const;
    // Opens the file `path` (O_PATH). If it does not exist, makes an empty regular file (mode) and
    // the directories above it (0755).
    UniqueFd make_file(std::string_view path, mode_t mode) const;

  private:
    std::uint64_t resolve() const noexcept;

    int root_fd_;
    Links links_;
};

// openat2(2) itself.
UniqueFd openat2(int dir_fd, const std::string& path, int flags, mode_t mode,
                 std::uint64_t resolve);
// -1 and errno instead of an exception.
int try_openat2(int dir_fd, const std::string& path, int flags, mode_t mode,
                std::uint64_t resolve) noexcept;

// "a/b/c" -> {"a/b", "c"}; "c" -> {"", "c"}. Trailing slashes are dropped.
std::pair<std::string_view, std::string_view> split_parent(std::string_view path);

// Is `path` the directory `dir` itself or below it? Compares path elements, not characters.
bool is_same_or_below(std::string_view path, std::string_view dir);

}  // namespace lxcri::os
