#pragma once
// Starts lxcri-exec in the container's cgroup, and holds what connects us to it.

#include <optional>

#include "cgroup/container_cgroup.h"
#include "os/process.h"
#include "os/spawn.h"
#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::helpers {

class ExecHelper {
  public:
    // SystemError(EBUSY): the cgroup takes no processes itself (cgroups(7)).
    ExecHelper(const settings::Options& options, const cgroup::Entrance& entrance);

    int channel() const noexcept { return channel_.get(); }
    os::ChildProcess& process() noexcept { return program_.process(); }
    // After it has ended too early: why it was not executed, if that is the reason.
    std::optional<os::SpawnError> find_failure() const { return program_.find_failure(); }

  private:
    os::UniqueFd channel_;
    os::Spawned program_;
};

}  // namespace lxcri::helpers
