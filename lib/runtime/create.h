#pragma once
// Makes a container: everything of config.json is applied, but the container process is not yet
// executed (runtime.md "Create"). Either it exists completely afterwards, or nothing is left.

#include <optional>

#include "attached/notify_socket.h"
#include "base/error.h"
#include "os/process.h"
#include "settings/create_options.h"
#include "settings/options.h"

namespace lxcri::runtime {

using settings::CreateOptions;

struct Created {
    os::ProcessRef init;
    // With `monitor = keep`: liblxc's monitor, our child, which ends as the container process does.
    std::optional<os::ChildProcess> monitor;
    bool started = false;
    bool restarts = false;  // when it reboots, by our caller
    os::UniqueFd terminal;  // the master, with CreateOptions::keeps_terminal
    // With CreateOptions::start_now and NOTIFY_SOCKET.
    std::optional<attached::NotifySocket> notify_socket;
};

// What create() throws where the container is to be started again when it reboots, and no one stays
// for that (CreateOptions::is_supervised). Nothing is left then.
struct SupervisorMissing : Error {
    SupervisorMissing();
};

Created create(const settings::Options& options, const CreateOptions& create_options);

// Once more, of the config.json that create() has read then, in the same directory: the container
// is never unknown meanwhile. First all that is left of its last life is removed, which ends with
// the poststop hooks. If it fails the container stays, stopped. `last_process`: the container
// process of that life. Throws NotFoundError if the ID belongs to another container meanwhile.
Created create_again(const settings::Options& options, const CreateOptions& create_options,
                     const os::ProcessRef& last_process);

}  // namespace lxcri::runtime
