#include "cgroup/oom_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "cgroup/tree.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// Returns nullopt if the cgroup has been removed.
std::optional<std::uint64_t> count_kills(int events_fd) {
    std::array<char, 512> buffer{};
    const ssize_t got =
        os::retry([&] { return ::pread(events_fd, buffer.data(), buffer.size(), 0); });
    if (got <= 0) return {};
    return find_count({buffer.data(), static_cast<std::size_t>(got)}, "oom_kill");
}

// Linux Documentation/admin-guide/cgroup-v1/memory.rst, "Notifications".
os::UniqueFd watch_v1(int dir_fd) {
    os::UniqueFd event(os::check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    const os::UniqueFd control = os::open_at(dir_fd, "memory.oom_control", O_RDONLY);
    os::write_value_at(dir_fd, "cgroup.event_control",
                       concat(std::to_string(event.get()), " ", std::to_string(control.get())));
    return event;
}

}  // namespace

OomWatch::OomWatch(const ContainerCgroup& cgroup) {
    if (const Directory* directory = cgroup.find_v1("memory")) {
        is_v1_ = true;
        const os::UniqueFd dir = cgroup.open_directory(*directory);
        if (dir.valid()) fd_ = watch_v1(dir.get());
        return;
    }
    const Directory* directory = cgroup.find_v2();
    if (directory == nullptr) return;
    const os::UniqueFd dir = cgroup.open_directory(*directory);
    if (!dir.valid()) return;
    if (auto file = open_file(dir.get(), "memory.events")) {
        fd_ = std::move(*file);
        seen_ = count_kills(fd_.get()).value_or(0);
    }
}

short OomWatch::events() const noexcept {
    return is_v1_ ? POLLIN : POLLPRI;
}

bool OomWatch::take() {
    if (!fd_.valid()) return false;
    if (is_v1_) {
        std::uint64_t count = 0;
        return os::retry([&] { return ::read(fd_.get(), &count, sizeof count); }) == sizeof count;
    }
    const std::uint64_t kills = count_kills(fd_.get()).value_or(seen_);
    const bool more = kills > seen_;
    seen_ = kills;
    return more;
}

}  // namespace lxcri::cgroup
