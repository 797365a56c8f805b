#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "os/file.h"
#include "os/rooted_path.h"
#include "process_steps.h"

namespace lxcri::libexec {

using os::UniqueFd;

namespace {

// Invalid where there is none, or something else in its place.
UniqueFd open_own_dev_null() {
    const UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    UniqueFd own(os::try_openat2(root.get(), "dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                                 RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS));
    if (own.valid() && !is_dev_null(own.get())) own.reset();
    return own;
}

}  // namespace

UniqueFd move_up(const UniqueFd& fd, std::uint32_t preserved) {
    const int lowest = static_cast<int>(preserved) + 16;
    return UniqueFd(os::check(::fcntl(fd.get(), F_DUPFD_CLOEXEC, lowest), "fcntl F_DUPFD_CLOEXEC"));
}

std::vector<UniqueFd> take_preserved(std::vector<UniqueFd> fds, std::size_t next,
                                     std::uint32_t count, int channel) {
    std::vector<UniqueFd> preserved;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (next >= fds.size()) {
            fds = std::move(handoff::expect(channel, handoff::MessageKind::sources).fds);
            next = 0;
            if (fds.empty()) throw Error("internal error: a message without its descriptors");
        }
        preserved.push_back(move_up(fds[next++], count));
    }
    return preserved;
}

void place_preserved(const std::vector<UniqueFd>& preserved) {
    for (std::size_t i = 0; i < preserved.size(); ++i) {
        // dup2 also takes FD_CLOEXEC off.
        os::check(::dup2(preserved[i].get(), static_cast<int>(i) + 3), "dup2",
                  std::to_string(i + 3));
    }
}

bool is_dev_null(int fd) noexcept {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == ::makedev(1, 3);  // Linux "devices.txt"
}

void reopen_dev_null() {
    UniqueFd own;
    for (int number = 0; number <= 2; ++number) {
        if (!is_dev_null(number)) continue;
        if (!own.valid()) own = open_own_dev_null();
        if (!own.valid()) return;
        os::check(::dup2(own.get(), number), "dup2", std::to_string(number));
    }
}

}  // namespace lxcri::libexec
