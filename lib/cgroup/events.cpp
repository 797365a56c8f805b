#include "cgroup/events.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "cgroup/tree.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::cgroup {

std::optional<EventsFile> EventsFile::find(int dir_fd) {
    auto fd = open_file(dir_fd, "cgroup.events");
    if (!fd) return {};
    return EventsFile(std::move(*fd));
}

EventsFile::State EventsFile::read() const {
    std::array<char, 256> buffer{};
    const ssize_t got =
        os::retry([&] { return ::pread(fd_.get(), buffer.data(), buffer.size(), 0); });
    if (got == -1 && errno == ENODEV) return {};
    os::check(got, "read", "cgroup.events");
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    return {find_count(text, "populated") == 1U, find_count(text, "frozen") == 1U};
}

bool wait_change(const EventsFile& events, Deadline deadline) {
    pollfd wanted{events.fd(), POLLPRI, 0};
    const int ready = os::retry([&] { return ::poll(&wanted, 1, os::poll_timeout(deadline)); });
    return os::check(ready, "poll", "cgroup.events") > 0;
}

bool wait_unannounced(Deadline deadline) {
    if (os::Clock::now() >= deadline) return false;
    (void)::poll(nullptr, 0, 1);  // a signal may cut it short: no harm
    return true;
}

}  // namespace lxcri::cgroup
