#pragma once
// Starts lxcri-hook to add something to a running container, or to take it away, and holds what
// connects us to it.

#include <functional>
#include <map>
#include <span>

#include "handoff/channel.h"
#include "handoff/plug.h"
#include "os/spawn.h"
#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::helpers {

// By their numbers in the plan.
using PlugSources = std::map<std::uint32_t, os::UniqueFd>;

class PlugHelper {
  public:
    explicit PlugHelper(const settings::Options& options);

    // `fds` and `sources` as handoff/plug.h says. `on_place` is called with the number of each
    // thing in the request, before it is attached. Throws what has gone wrong on the other side;
    // what was attached before that stays.
    void carry_out(const handoff::PlugRequest& request, std::span<const int> fds,
                   const PlugSources& sources,
                   const std::function<void(std::size_t, const handoff::PlugPlace&)>& on_place);

  private:
    void send_sources(const PlugSources& sources);
    handoff::Received receive();

    os::Deadline deadline_;
    os::UniqueFd channel_;
    os::Spawned program_;
};

}  // namespace lxcri::helpers
