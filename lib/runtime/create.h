#pragma once
// Makes a container: everything of config.json is applied, but the container process is not yet
// executed (runtime.md "Create"). Either it exists completely afterwards, or nothing is left.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/process.h"
#include "runtime/options.h"

namespace lxcri::runtime {

struct CreateOptions {
    std::string id;
    std::string bundle;    // a directory
    std::string pid_file;  // "": none
    bool new_keyring = true;
    std::uint32_t preserve_fds = 0;
    std::uint32_t listen_fds = 0;
    std::string listen_fdnames;
    bool start_now = false;  // `run`: the container process is executed at once
};

struct Created {
    os::ProcessRef init;
    // With `monitor = keep`: liblxc's monitor, our child, which ends as the container process does.
    std::optional<os::ChildProcess> monitor;
};

Created create(const Options& options, const CreateOptions& create_options);

}  // namespace lxcri::runtime
