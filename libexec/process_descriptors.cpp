#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "process_steps.h"

namespace lxcri::libexec {

using os::UniqueFd;

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

}  // namespace lxcri::libexec
