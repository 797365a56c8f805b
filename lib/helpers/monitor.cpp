#include "helpers/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "handoff/plan.h"
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

}  // namespace

Monitor::Monitor(const settings::Options& options, const std::string& id,
                 const cgroup::Entrance& entrance)
    : log_(make_log()) {
    os::Command command;
    command.path = find_helper(options, "lxcri-start");
    const os::UniqueFd image = open_helper_image(find_helper(options, init_program()));
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    command.arguments = {"lxcri-start", id};
    command.descriptors = {{log_.get(), 0},
                           {log_.get(), 1},
                           {log_.get(), 2},
                           {theirs.get(), handoff::kChannelFd},
                           {image.get(), handoff::kInitImageFd}};
    // Signals of a terminal are for `lxcri run`, which passes them on.
    command.session = os::Session::own;
    command.directory = "/";
    command.cgroup = entrance.borrow();
    program_ = os::spawn(command);
    channel_ = std::move(ours);
}

void Monitor::enter(const cgroup::Entrance& entrance) const {
    const os::CgroupEntrance cgroup = entrance.borrow();
    std::vector<int> fds = cgroup.tasks;
    if (cgroup.unified >= 0) fds.push_back(cgroup.unified);
    handoff::send(channel_.get(), handoff::MessageKind::cgroup,
                  handoff::encode(handoff::CgroupPlan{cgroup.unified >= 0}), fds);
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
    if (const auto failure = program_.find_failure()) return failure->what();
    std::string last;
    for (const auto& line : split(log(), '\n')) {
        if (line.empty()) continue;
        // Of the C or C++ library, about to abort.
        if (!line.starts_with("lxc ")) return line;
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
