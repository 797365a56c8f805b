#pragma once
// A cgroup directory and those below it, through descriptors. The container may own what is
// below: names, depth and number are its choice, and it may change them while we look.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::cgroup {

// The content of a file of the directory. Returns nullopt if the file or the cgroup is gone.
std::optional<std::string> find_file(int dir_fd, const std::string& name);
// The same with one read(2): os::find_value_at().
std::optional<std::string> find_value(int dir_fd, const std::string& name);
// The same, opened for reading.
std::optional<os::UniqueFd> open_file(int dir_fd, const std::string& name);

// The number behind "key " on a line of its own, as in cgroup.events and memory.events.
std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key);

// What cgroup.procs lists: this cgroup alone, without those that are exiting.
std::vector<pid_t> read_processes(int dir_fd);

std::vector<std::string> list_subdirectories(int dir_fd);

// Goes through the directory and all below it, parents first, and needs two descriptors however
// deep that is.
class TreeWalk {
  public:
    explicit TreeWalk(int dir_fd);
    // Steps to the next directory. Returns false at the end. The first step is to the top itself.
    bool next();
    int fd() const noexcept { return current_.get(); }

  private:
    int top_fd_;
    os::UniqueFd current_;
    std::vector<std::vector<std::string>> pending_;  // one list for each level
};

// The processes of the whole tree.
std::vector<pid_t> read_all_processes(int dir_fd);

// Removes all directories below `dir_fd`, deepest first. Returns 0, or the errno of the directory
// that refused: EBUSY if it has processes. ETIMEDOUT: another process makes them faster.
int try_remove_subdirectories(int dir_fd, os::Deadline deadline);

}  // namespace lxcri::cgroup
