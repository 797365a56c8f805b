#pragma once
// lxcri-criu as `checkpoint` and `restore` use it (handoff/criu.h).

#include <functional>
#include <span>
#include <string>

#include "cgroup/container_cgroup.h"
#include "handoff/channel.h"
#include "handoff/criu.h"
#include "os/process.h"
#include "os/spawn.h"
#include "settings/options.h"

namespace lxcri::helpers {

// The path of CRIU: that of the setting, else the first of the usual places. Throws Error that
// names the package if it does not exist.
std::string find_criu(const settings::Options& options);

class CriuHelper {
  public:
    // Starts the program. `entrance`: the cgroup in which it begins; without directories: ours.
    CriuHelper(const settings::Options& options, const cgroup::Entrance& entrance);

    os::ChildProcess& process() noexcept { return program_.process(); }

    // Called for each step that CRIU tells of; CRIU goes on when it returns. What it throws makes
    // CRIU give up, and is thrown by carry_out().
    using OnNotice = std::function<void(const handoff::CriuNotice&, handoff::Received)>;

    // First. `fds` as the request wants them: the program then has its own.
    void send_request(const handoff::CriuRequest& request, std::span<const int> fds);
    // Returns the pid of the restored init, 0 after a dump, when the program has ended.
    pid_t carry_out(const handoff::CriuRequest& request, const OnNotice& on_notice);

  private:
    std::string explain(const std::string& failure, const handoff::CriuRequest& request) const;

    os::UniqueFd channel_;
    os::UniqueFd output_;
    os::Spawned program_;
};

// The line of CRIU's log that says why it failed: the first real error. Returns "" if there is
// none.
std::string find_cause_in_log(std::string_view log);

}  // namespace lxcri::helpers
