#pragma once
// What happens in a container, told while it happens.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cgroup/stats.h"
#include "host/kernel_log.h"
#include "settings/options.h"

namespace lxcri::runtime {

struct EventSink {
    std::function<void(const cgroup::Stats&)> stats;
    // The processes that the kernel has killed, as far as its log tells.
    std::function<void(const std::vector<host::OomKill>&)> out_of_memory;
};

// Throws StateError if the container has stopped.
cgroup::Stats stats(const settings::Options& options, const std::string& id);

// Tells the stats every `interval`, and at once when the kernel kills a process because memory is
// used up, until the container has stopped.
void watch_events(const settings::Options& options, const std::string& id,
                  std::chrono::milliseconds interval, const EventSink& sink);

}  // namespace lxcri::runtime
