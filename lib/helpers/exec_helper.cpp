#include "helpers/exec_helper.h"

#include "handoff/channel.h"
#include "helpers/helper_image.h"
#include "os/unix_socket.h"

namespace lxcri::helpers {

ExecHelper::ExecHelper(const settings::Options& options, const cgroup::Entrance& entrance) {
    os::Command command;
    command.path = find_helper(options, "lxcri-exec");
    const os::UniqueFd image = open_helper_image(command.path);
    auto [ours, theirs] = os::make_seqpacket_pair();
    os::accept_credentials(ours.get());
    command.image = image.get();
    command.arguments = {"lxcri-exec"};
    command.descriptors = {{theirs.get(), handoff::kChannelFd}};
    command.cgroup = entrance.borrow();
    program_ = os::spawn(command);
    channel_ = std::move(ours);
}

}  // namespace lxcri::helpers
