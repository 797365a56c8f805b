#pragma once
// openat2(2) where somebody has forbidden it: sandboxes whose filter of system calls is older than
// it answer ENOSYS or EPERM.

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace lxcri::os {

// The same as openat2(2) for what this project asks of it: RESOLVE_IN_ROOT, RESOLVE_BENEATH,
// RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, no O_CREAT. Goes down element by
// element through descriptors and follows no link but by itself, so that nobody who renames
// meanwhile leads it out. -1 and errno.
int walk_path(int dir_fd, const std::string& path, int flags, std::uint64_t resolve) noexcept;

}  // namespace lxcri::os
