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
    // Always the first message. An lxcri-start that was started outside of the container's cgroup
    // enters it now (version 1), or lets the container's first process be born there (version
    // 2).
    void enter(const cgroup::Entrance& entrance) const;

    int channel() const noexcept { return channel_.get(); }
    os::ChildProcess& process() noexcept { return program_.process(); }

    // Until its children, which end with it, have ended, too: until no process has the other end of
    // the channel any more.
    void wait_for_children(os::Deadline limit) const;

    // After it has ended too early: why it was not executed, or the first error of liblxc, or else
    // the last line of liblxc.
    std::string last_words() const;
    // All of it, for --debug.
    std::string log() const;

  private:
    os::UniqueFd channel_;
    os::UniqueFd log_;
    os::Spawned program_;
};

}  // namespace lxcri::helpers
