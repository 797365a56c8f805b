#include "runtime/events.h"

#include <poll.h>

#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/oom_watch.h"
#include "os/check.h"
#include "runtime/container.h"

namespace lxcri::runtime {

namespace {

os::ProcessRef running_init(const Container& container) {
    auto init = container.init();
    if (!init) {
        throw StateError(
            concat("container ", in_quotes(container.record().id), ": container not running"));
    }
    return std::move(*init);
}

}  // namespace

cgroup::Stats stats(const settings::Options& options, const std::string& id) {
    const Container container = Container::open(options, id);
    (void)running_init(container);
    return cgroup::read_stats(container.own_cgroup());
}

void watch_events(const settings::Options& options, const std::string& id,
                  std::chrono::milliseconds interval, const EventSink& sink) {
    const Container container = Container::open(options, id);
    const auto group = container.own_cgroup();
    cgroup::OomWatch oom(group);
    const os::ProcessRef init = running_init(container);
    auto next = os::Clock::now() + interval;
    while (true) {
        std::array<pollfd, 2> wanted{{{init.pidfd(), POLLIN, 0}, {oom.fd(), oom.events(), 0}}};
        const int ready =
            os::retry([&] { return ::poll(wanted.data(), wanted.size(), os::poll_timeout(next)); });
        os::check(ready, "poll");
        // Looked at also when the container has ended: the kernel delays what it tells.
        if ((ready == 0 ? 0 : wanted[0].revents | wanted[1].revents) != 0 && oom.take()) {
            sink.out_of_memory();
        }
        if (wanted[0].revents != 0) return;
        if (os::Clock::now() < next) continue;
        sink.stats(cgroup::read_stats(group));
        next += interval;
    }
}

}  // namespace lxcri::runtime
