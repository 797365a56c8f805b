#include "runtime/exec_helper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "base/strings.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "os/unix_socket.h"
#include "runtime/helper_image.h"

namespace lxcri::runtime {

namespace {

// Between fork and exec: nothing here allocates.
[[noreturn]] void become_lxcri_exec(int image, int channel, const cgroup::Entrance& entrance,
                                    bool cloned_into) noexcept {
    const char* step = "enter the cgroup";
    int code = entrance.enter(cloned_into);
    if (code == 0) {
        step = "execute lxcri-exec";
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
    // A message as in channel.cpp: kind, place of the body, body.
    std::array<char, 128> message{};
    const char* text = ::strerrordesc_np(code);
    const int length = std::snprintf(message.data(), message.size(), "fi%s: %s", step,
                                     text == nullptr ? "unknown error" : text);
    if (length > 0) (void)!::write(channel, message.data(), static_cast<std::size_t>(length));
    ::_exit(127);
}

}  // namespace

ExecHelper::ExecHelper(const std::string& libexec_dir, const cgroup::Entrance& entrance)
    : process_(-1, os::UniqueFd()) {
    const os::UniqueFd image = open_helper_image(concat(libexec_dir, "/lxcri-exec"));
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    const int cgroup_fd = entrance.clone_into_fd();
    auto child = os::fork_child(cgroup_fd);
    if (!child) become_lxcri_exec(image.get(), theirs.get(), entrance, cgroup_fd >= 0);
    channel_ = std::move(ours);
    process_ = std::move(*child);
}

}  // namespace lxcri::runtime
