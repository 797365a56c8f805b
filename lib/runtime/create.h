#pragma once
// Makes a container: everything of config.json is applied, but the container process is not yet
// executed (runtime.md "Create"). Either it exists completely afterwards, or nothing is left.

#include <optional>

#include "attached/notify_socket.h"
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
    os::UniqueFd terminal;  // the master, with CreateOptions::keeps_terminal
    // With CreateOptions::start_now and NOTIFY_SOCKET.
    std::optional<attached::NotifySocket> notify_socket;
};

Created create(const settings::Options& options, const CreateOptions& create_options);

}  // namespace lxcri::runtime
