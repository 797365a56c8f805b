#pragma once
// What the caller asks of `create`, `run` and `restore`: the rows of cmd/create_options.h.

#include <cstdint>
#include <string>

namespace lxcri::settings {

struct CreateOptions {
    std::string id;
    std::string bundle = ".";    // a directory; absolute below cmd/
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
    std::string notify_directory;  // made by create(), for /run/notify; "": no NOTIFY_SOCKET
    bool is_restored = false;      // the processes come from CRIU, which puts them into the cgroup
    // The caller of create() stays with the container, and starts it again when it reboots.
    bool is_supervised = false;
    // `run`: the container process is executed at once, unless hooks belong to the start.
    bool start_now = false;
};

}  // namespace lxcri::settings
