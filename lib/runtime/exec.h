#pragma once
// Adds a process to a container that exists: created or running.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "oci/process.h"
#include "settings/options.h"

namespace lxcri::runtime {

struct ExecOptions {
    std::string id;
    // A process.json, to be obeyed as it is but for what follows; without it the process is like
    // the container's, with `args`.
    std::optional<std::string> process_json;
    std::vector<std::string> args;
    bool terminal = false;
    std::optional<std::string> cwd;
    std::vector<std::string> env;  // added
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::vector<std::uint32_t> additional_gids;  // added
    std::vector<std::string> capabilities;       // added; names
    std::optional<bool> no_new_privileges;
    std::optional<std::string> apparmor_profile;
    std::optional<std::string> selinux_label;

    bool detach = false;
    std::string pid_file;        // "": none
    std::string console_socket;  // "": none
    std::string pidfd_socket;    // "": none
    std::uint32_t preserve_fds = 0;
    std::vector<cgroup::SubCgroup> cgroups;  // empty: the container's
    bool ignore_paused = false;
    int namespaces = 0;  // CLONE_NEW*: only these; 0: all of the container
};

// The exit code: 0 with `detach`, else that of the process, 128 + n for signal n.
int exec(const settings::Options& options, const ExecOptions& exec_options);

}  // namespace lxcri::runtime
