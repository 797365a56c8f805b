#include "helpers/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <tuple>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "helpers/helper_image.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace lxcri::helpers {

namespace {

os::UniqueFd make_log() {
    os::UniqueFd log(os::check(::memfd_create("lxcri-start log", MFD_CLOEXEC), "memfd_create"));
    os::check(::fcntl(log.get(), F_SETFL, O_APPEND), "fcntl F_SETFL");
    return log;
}

struct ChildPlan {
    const char* path;
    const char* id;
    int log;
    int channel;
    int image;
};

// Between fork and exec: nothing here allocates. The log tells create what went wrong.
[[noreturn]] void become_lxcri_start(const ChildPlan& plan, const cgroup::Entrance& entrance,
                                     bool cloned_into) noexcept {
    const char* step = "enter the cgroup for";
    int code = entrance.enter(cloned_into);
    if (code == 0) {
        step = "pass descriptors to";
        // First out of the way of the numbers that they will get.
        const int log = ::fcntl(plan.log, F_DUPFD_CLOEXEC, 16);
        const int channel = ::fcntl(plan.channel, F_DUPFD_CLOEXEC, 16);
        const int image = ::fcntl(plan.image, F_DUPFD_CLOEXEC, 16);
        if (::dup2(log, 0) != -1 && ::dup2(log, 1) != -1 && ::dup2(log, 2) != -1 &&
            ::dup2(channel, handoff::kChannelFd) != -1 &&
            ::dup2(image, handoff::kInitImageFd) != -1) {
            os::reset_signals();
            // Signals of a terminal are for `lxcri run`, which passes them on.
            (void)::setsid();
            (void)!::chdir("/");
            ::umask(0022);
            step = "execute";
            std::array<char*, 3> args{const_cast<char*>("lxcri-start"), const_cast<char*>(plan.id),
                                      nullptr};
            std::array<char*, 1> env{nullptr};
            ::execve(plan.path, args.data(), env.data());
        }
        code = errno;
    }
    const char* text = ::strerrordesc_np(code);
    for (const char* part :
         {step, " \"", plan.path, "\": ", text == nullptr ? "unknown error" : text, "\n"}) {
        (void)!::write(plan.log, part, ::strlen(part));
    }
    ::_exit(127);
}

std::tuple<os::UniqueFd, os::UniqueFd, os::ChildProcess> start(const settings::Options& options,
                                                               const std::string& id,
                                                               const cgroup::Entrance& entrance) {
    const std::string path = find_helper(options, "lxcri-start");
    const os::UniqueFd image = open_helper_image(find_helper(options, init_program()));
    os::UniqueFd log = make_log();
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    const ChildPlan plan{path.c_str(), id.c_str(), log.get(), theirs.get(), image.get()};
    const int cgroup_fd = entrance.clone_into_fd();
    auto child = os::fork_child(cgroup_fd);
    if (!child) become_lxcri_start(plan, entrance, cgroup_fd >= 0);
    return {std::move(ours), std::move(log), std::move(*child)};
}

}  // namespace

Monitor::Monitor(const settings::Options& options, const std::string& id,
                 const cgroup::Entrance& entrance)
    : process_(-1, os::UniqueFd()) {
    auto [channel, log, process] = start(options, id, entrance);
    channel_ = std::move(channel);
    log_ = std::move(log);
    process_ = std::move(process);
}

void Monitor::wait_for_children(os::Deadline limit) const {
    pollfd channel{channel_.get(), 0, 0};  // the hang-up is always told
    os::check(os::retry([&] { return ::poll(&channel, 1, os::poll_timeout(limit)); }), "poll");
}

std::string Monitor::log() const {
    if (::lseek(log_.get(), 0, SEEK_SET) == -1) return {};
    return os::read_all(log_.get(), "the log of lxcri-start");
}

std::string Monitor::last_words() const {
    std::string last;
    for (const auto& line : split(log(), '\n')) {
        if (line.empty()) continue;
        // "lxc ID TIME ERROR    conf - ../src/lxc/conf.c:function:123 - text": the first one is
        // the cause, those after it are its consequences.
        if (line.find(" ERROR ") != std::string::npos) {
            const auto first = line.find(" - ");
            const auto second = first == std::string::npos ? first : line.find(" - ", first + 3);
            return concat("liblxc: ", second == std::string::npos ? line : line.substr(second + 3));
        }
        last = line;
    }
    return last;
}

}  // namespace lxcri::helpers
