#pragma once
// systemd is asked through lxcri-systemd, the only program that knows D-Bus. It is started when
// there is something to ask.

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

    // Error with the words of systemd when it refuses; the pointer of the property in front when
    // it was one.
    void ask(handoff::UnitRequest request);

  private:
    os::UniqueFd channel_;
    os::Spawned program_;
    std::chrono::seconds timeout_;
};

// Whose systemd this process has to ask: for root of the machine the system's.
cgroup::UserManager find_user_manager();

}  // namespace lxcri::helpers
