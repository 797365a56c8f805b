#pragma once
// Starts lxcri-exec in the container's cgroup, and holds what connects us to it.

#include <string>

#include "cgroup/container_cgroup.h"
#include "os/process.h"
#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::helpers {

class ExecHelper {
  public:
    // What goes wrong between fork and exec arrives as a Failure on the channel. SystemError(EBUSY)
    // of clone3(2): the cgroup takes no processes itself (cgroups(7)).
    ExecHelper(const settings::Options& options, const cgroup::Entrance& entrance);

    int channel() const noexcept { return channel_.get(); }
    os::ChildProcess& process() noexcept { return process_; }

  private:
    os::UniqueFd channel_;
    os::ChildProcess process_;
};

}  // namespace lxcri::helpers
