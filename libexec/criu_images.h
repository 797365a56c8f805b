#pragma once
#include <sys/types.h>

namespace lxcri::libexec {

// In the images of a dump: the process with this pid in its innermost pid namespace gets no
// parent-death signal when it is restored. Its parent then is lxcri-criu, which ends at once.
void clear_death_signal(int images_fd, pid_t pid);

}  // namespace lxcri::libexec
