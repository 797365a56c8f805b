#pragma once
// flock(2) with a deadline. The lock belongs to this process alone: fork_child() closes it in the
// child, so that it ends with us even if a child goes on.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "os/process.h"
#include "os/unique_fd.h"

namespace lxcri::os {

class FileLock {
  public:
    // On the directory, through a descriptor of its own. Returns nullopt if another process still
    // has it at the deadline.
    static std::optional<FileLock> take(int dir_fd, Deadline deadline);
    // The same on a file in it.
    static std::optional<FileLock> take_file(int dir_fd, const std::string& name,
                                             Deadline deadline);

    FileLock(FileLock&&) noexcept = default;
    FileLock& operator=(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock();

  private:
    explicit FileLock(UniqueFd fd);
    static std::optional<FileLock> take_on(UniqueFd fd, Deadline deadline);
    UniqueFd fd_;
};

// The processes that have a lock on the directory now, as far as proc_locks(5) shows them.
std::vector<pid_t> find_lock_holders(int dir_fd);

// In a child, by fork_child(): a descriptor of the parent's lock would keep it.
void close_locks_of_parent() noexcept;

}  // namespace lxcri::os
