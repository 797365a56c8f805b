#include "helpers/exec_helper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "handoff/channel.h"
#include "helpers/helper_image.h"
#include "os/check.h"
#include "os/unix_socket.h"

namespace lxcri::helpers {

namespace {

// Between fork and exec: nothing here allocates.
[[noreturn]] void become_lxcri_exec(const char* path, int image, int channel,
                                    const cgroup::Entrance& entrance, bool cloned_into) noexcept {
    const char* step = "enter the cgroup for";
    int code = entrance.enter(cloned_into);
    if (code == 0) {
        step = "execute";
        // Out of the way first: it could be the number that the channel gets.
        image = ::fcntl(image, F_DUPFD_CLOEXEC, handoff::kInitImageFd);
        const bool placed = channel == handoff::kChannelFd
                                ? ::fcntl(channel, F_SETFD, 0) != -1
                                : ::dup2(channel, handoff::kChannelFd) != -1;
        if (image != -1 && placed) {
            channel = handoff::kChannelFd;
            std::array<char*, 2> args{const_cast<char*>("lxcri-exec"), nullptr};
            std::array<char*, 1> env{nullptr};
            ::execveat(image, "", args.data(), env.data(), AT_EMPTY_PATH);
        }
        code = errno;
    }
    say_not_executed(channel, step, path, code);
    ::_exit(127);
}

}  // namespace

ExecHelper::ExecHelper(const settings::Options& options, const cgroup::Entrance& entrance)
    : process_(-1, os::UniqueFd()) {
    const std::string path = find_helper(options, "lxcri-exec");
    const os::UniqueFd image = open_helper_image(path);
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    const int cgroup_fd = entrance.clone_into_fd();
    auto child = os::fork_child(cgroup_fd);
    if (!child) {
        become_lxcri_exec(path.c_str(), image.get(), theirs.get(), entrance, cgroup_fd >= 0);
    }
    channel_ = std::move(ours);
    process_ = std::move(*child);
}

}  // namespace lxcri::helpers
