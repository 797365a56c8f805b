#include "helpers/kept_monitor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/kept_monitor.h"
#include "helpers/helper_image.h"
#include "os/check.h"
#include "os/file.h"
#include "os/spawn.h"

namespace lxcri::helpers {

void tell_kept_monitor(const settings::Options& options, const std::string& id,
                       const os::ProcessRef& monitor, Processes processes) {
    const os::UniqueFd network = monitor.take_descriptor(handoff::kCommandNetworkFd);
    const os::UniqueFd output(
        os::check(::memfd_create("lxcri-start output", MFD_CLOEXEC), "memfd_create"));
    os::Command command;
    command.path = find_helper(options, "lxcri-start");
    command.arguments = {"lxcri-start",
                         processes == Processes::frozen ? handoff::kFrozen : handoff::kThawed, id,
                         options.root};
    command.descriptors = {{output.get(), 0},
                           {output.get(), 1},
                           {output.get(), 2},
                           {network.get(), handoff::kMonitorNetworkFd}};
    os::UniqueFd user;
    if (::geteuid() != 0) {
        user = os::open_at(AT_FDCWD, concat("/proc/", std::to_string(monitor.pid()), "/ns/user"),
                           O_RDONLY);
        command.descriptors.push_back({user.get(), handoff::kMonitorUserFd});
    }
    auto program = os::spawn(command);
    const auto status = program.process().wait(os::Clock::now() + std::chrono::seconds(10));
    if (status && status->success()) return;
    if (auto failure = program.find_failure()) throw std::move(*failure);
    if (!status) throw Error("lxcri-start does not end");
    os::check(::lseek(output.get(), 0, SEEK_SET), "lseek");
    const std::string said = os::read_all(output.get(), "the output of lxcri-start");
    throw Error(said.empty() ? concat("lxcri-start ", status->describe())
                             : concat("lxcri-start: ", said.substr(0, said.find('\n'))));
}

}  // namespace lxcri::helpers
