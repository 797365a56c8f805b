#pragma once
// What the files of a cgroup had before an update changed them, so that one that fails half way
// leaves the limits as they were.

#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::cgroup {

class Journal {
  public:
    // os::try_write_value_at(), and notes what was there before. `path` is for messages.
    [[nodiscard]] int try_write(const std::string& path, int dir_fd, const std::string& file,
                                std::string_view value);

    // Puts everything back, the last change first: each step leads to values that the kernel has
    // accepted together before. Says what has come of it, in words for an error.
    std::string undo();

  private:
    struct Change {
        os::UniqueFd dir;
        std::string path;
        std::string file;
        std::string before;  // to be written
    };
    std::vector<Change> changes_;
};

// What must be written to `file` to get back to `before`, its content, when `written` has gone
// into it since. Pure.
std::string value_to_restore(std::string_view file, std::string_view before,
                             std::string_view written);

}  // namespace lxcri::cgroup
