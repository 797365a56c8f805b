#pragma once
// Makes a process with clone3(2), or with clone(2) if a sandbox around us does not know clone3
// (ENOSYS) or refuses it because it cannot read its arguments (EPERM). Throws SystemError.

#include <sys/types.h>

#include <cstdint>

#include "os/unique_fd.h"

namespace lxcri::os {

struct Cloned {
    pid_t pid = 0;  // 0 in the new process
    UniqueFd pidfd;
    bool in_cgroup =
        false;  // it has begun in the cgroup that was asked for; clone(2) cannot do that
};

// As fork(2), with `flags` of clone(2). `into_cgroup`: a directory of cgroup version 2, -1 for
// none. `exit_signal`: the signal that its parent gets when it ends; 0 with CLONE_PARENT.
Cloned clone_process(std::uint64_t flags, int exit_signal, int into_cgroup = -1);

// A child with a pidfd. It dies with us until it changes that, and has none of our locks
// (file_lock.h). This process must have one thread only.
Cloned clone_child(int into_cgroup = -1);

// A child that has our memory, as that of vfork(2), and not a copy of it: `run` works on a stack of
// its own, and this process waits until the child has executed a program or has ended. What `run`
// changes in memory is changed here, too. All signals are blocked in it. It dies with us. This
// process must have one thread only. Throws SystemError.
Cloned start_in_our_memory(int (*run)(void*), void* argument);

// Does a sandbox around us let clone3(2) through?
bool is_clone3_allowed() noexcept;

}  // namespace lxcri::os
