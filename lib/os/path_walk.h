#pragma once
// openat2(2) where it is forbidden: sandboxes whose filter of system calls is older than
// it answer ENOSYS or EPERM.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace lxcri::os {

// The same as openat2(2) for what this project asks of it: RESOLVE_IN_ROOT, RESOLVE_BENEATH,
// RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, no O_CREAT. Goes down element by
// element through descriptors and follows no link but by itself, so that no rename meanwhile
// leads it out. -1 and errno.
int walk_path(int dir_fd, const std::string& path, int flags, std::uint64_t resolve) noexcept;

// What is made where it is missing: the directories on the way, and at its end one more, or an
// empty file.
struct Missing {
    mode_t directory_mode;
    mode_t last_directory_mode;
    std::optional<mode_t> file_mode;
};

// The same with O_PATH for a path of which parts may be missing, also behind a link.
int make_path(int dir_fd, const std::string& path, std::uint64_t resolve,
              const Missing& missing) noexcept;

}  // namespace lxcri::os
