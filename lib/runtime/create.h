#pragma once
// Makes a container: everything of config.json is applied, but the container process is not yet
// executed (runtime.md "Create"). Either it exists completely afterwards, or nothing is left.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attached/notify_socket.h"
#include "os/process.h"
#include "settings/options.h"

namespace lxcri::runtime {

struct CreateOptions {
    std::string id;
    std::string bundle = ".";    // a directory
    std::string config_file;     // absolute; "": config.json of the bundle
    std::string pid_file;        // "": none
    std::string console_socket;  // gets the terminal; "": none
    std::string pidfd_socket;    // gets a pidfd of the container process; "": none
    // The caller of create() takes the terminal where no socket gets it.
    bool keeps_terminal = false;
    bool new_keyring = true;
    std::uint32_t preserve_fds = 0;
    std::uint32_t listen_fds = 0;
    std::string listen_fdnames;
    std::string notify_directory;  // made by create()
    bool is_restored = false;      // the processes come from CRIU, which puts them into the cgroup
    // `run`: the container process is executed at once, unless hooks belong to the start.
    bool start_now = false;
};

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
