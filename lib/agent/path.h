#pragma once
// Paths of a caller: resolved by a process that is as good as the caller.

#include <string>

#include "agent/caller.h"

namespace lxcri::agent {

// The place of something that is to be made.
struct NewPlace {
    os::UniqueFd directory;  // in which the caller may make it
    std::string name;
};
// `dir_fd`: as for mknodat(2). SystemError as the kernel would say.
NewPlace find_new_place(const Caller& caller, int dir_fd, const std::string& path);

// Something that exists, with O_PATH.
enum class LastLink { follow, open };
os::UniqueFd find_existing(const Caller& caller, const std::string& path, LastLink last_link);
// A block device, opened where the caller's permissions and `cgroups` decide.
os::UniqueFd open_device(const Caller& caller, const std::string& path, bool read_only,
                         const std::vector<os::UniqueFd>& cgroups);
// What a descriptor of the caller's is of, with O_PATH. SystemError(EBADF).
os::UniqueFd find_descriptor(const Caller& caller, int fd);

}  // namespace lxcri::agent
