#include "tell_monitor.h"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "handoff/kept_monitor.h"
#include "liblxc_cgroups.h"
#include "lxc_container.h"
#include "os/check.h"
#include "os/unique_fd.h"

namespace lxcri::libexec {

void tell_monitor(Told told, const std::string& id, const std::string& runtime_root) {
    const os::UniqueFd network(handoff::kMonitorNetworkFd);
    if (::geteuid() != 0) {
        const os::UniqueFd user(handoff::kMonitorUserFd);
        os::check(::setns(user.get(), CLONE_NEWUSER), "setns", "user namespace of the monitor");
    }
    os::check(::setns(network.get(), CLONE_NEWNET), "setns", "network namespace of the monitor");
    let_see_all_cgroups();
    ::setenv("XDG_RUNTIME_DIR", runtime_root.c_str(), 1);
    LxcContainer container(id, runtime_root);
    container.set_item("lxc.log.level", "ERROR");
    // The processes have been stopped or let go already: liblxc does it once more, which changes
    // nothing, and says so to the monitor.
    const bool success = told == Told::frozen ? container.freeze() : container.unfreeze();
    if (!success) throw Error("liblxc cannot tell the monitor");
}

}  // namespace lxcri::libexec
