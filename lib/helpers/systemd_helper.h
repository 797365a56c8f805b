#pragma once
// Asks systemd through lxcri-systemd, the only program that speaks D-Bus. It is started when it is
// needed.

#include <chrono>

#include "cgroup/unit_path.h"
#include "handoff/unit.h"
#include "os/spawn.h"
#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::helpers {

// One conversation with lxcri-systemd.
class SystemdHelper {
  public:
    explicit SystemdHelper(const settings::Options& options);

    // Throws Error with systemd's message if it refuses; SpecError if it refuses a property of an
    // annotation.
    void ask(handoff::UnitRequest request);

  private:
    os::UniqueFd channel_;
    os::Spawned program_;
    std::chrono::seconds timeout_;
};

// The systemd that this process must ask: for root of the machine that of the system.
cgroup::UserManager find_user_manager();

}  // namespace lxcri::helpers
