#include "runtime/events.h"

#include <poll.h>

#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/oom_watch.h"
#include "host/kernel_log.h"
#include "os/check.h"
#include "os/rooted_path.h"
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

// The log may come a moment after the cgroup's own notification, which some kernels send first.
constexpr std::chrono::milliseconds kLogTime{200};

// What the kernel log tells about this container.
class KilledProcesses {
  public:
    explicit KilledProcesses(const cgroup::ContainerCgroup& group) {
        const auto* directory = group.find_v1("memory");
        if (directory == nullptr) directory = group.find_v2();
        if (directory == nullptr || !directory->path.starts_with(directory->mount_point)) return;
        path_ = directory->path.substr(directory->mount_point.size());
    }
    int fd() const { return log_.fd(); }

    std::vector<host::OomKill> take() {
        auto kills = log_.take();
        std::erase_if(kills, [&](const host::OomKill& kill) {
            return path_.empty() || !os::is_same_or_below(kill.cgroup, path_);
        });
        return kills;
    }
    std::vector<host::OomKill> wait() {
        const auto limit = os::Clock::now() + kLogTime;
        while (true) {
            auto kills = take();
            if (!kills.empty() || log_.fd() == -1 || os::Clock::now() >= limit) return kills;
            pollfd wanted{log_.fd(), POLLIN, 0};
            (void)os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(limit)); });
        }
    }

  private:
    host::KernelLog log_;
    std::string path_;  // in the hierarchy
};

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
    KilledProcesses killed(group);
    // With cgroup version 1 the log alone tells what happens in cgroups below the container's.
    bool told_by_log = false;
    auto next = os::Clock::now() + interval;
    while (true) {
        std::array<pollfd, 3> wanted{
            {{init.pidfd(), POLLIN, 0}, {oom.fd(), oom.events(), 0}, {killed.fd(), POLLIN, 0}}};
        const int ready =
            os::retry([&] { return ::poll(wanted.data(), wanted.size(), os::poll_timeout(next)); });
        os::check(ready, "poll");
        if (const auto kills = killed.take(); !kills.empty()) {
            sink.out_of_memory(kills);
            told_by_log = true;
        }
        // Looked at also when the container has ended: the kernel delays what it tells.
        if ((ready == 0 ? 0 : wanted[0].revents | wanted[1].revents) != 0 && oom.take()) {
            if (!told_by_log) sink.out_of_memory(killed.wait());
            told_by_log = false;
        }
        if (wanted[0].revents != 0) return;
        if (os::Clock::now() < next) continue;
        sink.stats(cgroup::read_stats(group));
        next += interval;
    }
}

}  // namespace lxcri::runtime
