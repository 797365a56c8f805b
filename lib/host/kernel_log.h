#pragma once
// What the kernel writes to its log when memory is used up: the only place with the name of the
// process that it has killed.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::host {

struct OomKill {
    std::string process;  // its name: comm of proc_pid_comm(5)
    pid_t pid = 0;        // as the host numbers it
    std::string cgroup;   // that it was in, from the root of the hierarchy
};

// One record of /dev/kmsg; nothing for all others.
std::optional<OomKill> parse_oom_kill(std::string_view record);

// From now on. Nothing to hear for who may not read it (CAP_SYSLOG): fd() is -1 then. The kernel
// writes no more than ten of these in five seconds.
class KernelLog {
  public:
    KernelLog();

    int fd() const noexcept { return fd_.get(); }
    // What has been written since the last call.
    std::vector<OomKill> take();

  private:
    os::UniqueFd fd_;
};

}  // namespace lxcri::host
