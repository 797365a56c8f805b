#pragma once
// lxcri-start as seen by `create`: started, talked to, and ended when its work is done.

#include <string>

#include "cgroup/container_cgroup.h"
#include "os/process.h"
#include "os/spawn.h"
#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::helpers {

class Monitor {
  public:
    // Starts lxcri-start in the cgroup.
    Monitor(const settings::Options& options, const std::string& id,
            const cgroup::Entrance& entrance);
    // The first message, always: where it has not been started in the container's cgroup, it goes
    // there now, and with version 2 the container's first process is born there, and not where
    // lxcri-start is.
    void enter(const cgroup::Entrance& entrance) const;

    int channel() const noexcept { return channel_.get(); }
    os::ChildProcess& process() noexcept { return program_.process(); }

    // Until its children, which end with it, have ended, too: until no process has the other end of
    // the channel any more.
    void wait_for_children(os::Deadline limit) const;

    // For when it has ended too early: why it was not executed, or what liblxc has written, the
    // first error or else the last line.
    std::string last_words() const;
    // All of it, for --debug.
    std::string log() const;

  private:
    os::UniqueFd channel_;
    os::UniqueFd log_;
    os::Spawned program_;
};

}  // namespace lxcri::helpers
