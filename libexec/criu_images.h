#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace lxcri::libexec {

// In the images of a dump: the process with this pid in its innermost pid namespace gets no
// parent-death signal when it is restored. Its parent then is lxcri-criu, which ends at once.
void clear_death_signal(int images_fd, pid_t pid);

// CRIU dumps all cgroups below those that the processes are in, and makes them again. In these
// hierarchies ("cpu,cpuacct", "name=systemd", "" for version 2) the container has none of its own:
// what is there belongs to others, and is not restored.
void forget_cgroups(int images_fd, const std::vector<std::string>& hierarchies);

}  // namespace lxcri::libexec
