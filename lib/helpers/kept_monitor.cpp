#include "helpers/kept_monitor.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/kept_monitor.h"
#include "helpers/ask_program.h"
#include "helpers/helper_image.h"
#include "os/file.h"

namespace lxcri::helpers {

void tell_kept_monitor(const settings::Options& options, const std::string& id,
                       const os::ProcessRef& monitor, Processes processes) {
    const os::UniqueFd network = monitor.take_descriptor(handoff::kCommandNetworkFd);
    os::Command command;
    command.path = find_helper(options, "lxcri-start");
    command.arguments = {"lxcri-start",
                         processes == Processes::frozen ? handoff::kFrozen : handoff::kThawed, id,
                         options.root};
    command.descriptors = {{network.get(), handoff::kMonitorNetworkFd}};
    os::UniqueFd user;
    if (::geteuid() != 0) {
        user = os::open_at(AT_FDCWD, concat("/proc/", std::to_string(monitor.pid()), "/ns/user"),
                           O_RDONLY);
        command.descriptors.push_back({user.get(), handoff::kMonitorUserFd});
    }
    const ProgramAnswer answer = ask_program(std::move(command));
    if (!answer.success) throw Error(concat("lxcri-start: ", answer.text));
}

}  // namespace lxcri::helpers
