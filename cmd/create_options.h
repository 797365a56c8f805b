#pragma once
// The options that make a container of a bundle: those of `create`, `run` and `restore`.

#include <chrono>
#include <cstdint>
#include <string>

#include "options.h"
#include "runtime/create.h"
#include "settings/options.h"

namespace lxcri::cmd {

inline constexpr auto kBundleOptions = std::to_array<Option<runtime::CreateOptions>>({
    {"ID", "", "name of the container, unique below --root", &runtime::CreateOptions::id,
     Need::required},
    {"-b,--bundle", "DIR", "directory with config.json (default: here)",
     &runtime::CreateOptions::bundle},
    {"-f,--config", "FILE", "file to read instead of config.json of the bundle",
     &runtime::CreateOptions::config_file},
    {"--pid-file", "FILE",
     "file that gets the pid of the container process, or of the monitor if it stays",
     &runtime::CreateOptions::pid_file},
    {"--console-socket", "SOCKET", "socket that gets the terminal of the container process",
     &runtime::CreateOptions::console_socket},
    {"--pidfd-socket", "SOCKET", "socket that gets a pidfd of the container process",
     &runtime::CreateOptions::pidfd_socket},
    {"--preserve-fds", "N", "pass N descriptors, from 3 on, to the container process",
     &runtime::CreateOptions::preserve_fds},
    {"--no-pivot", "", "no effect: liblxc decides whether it uses pivot_root",
     [](runtime::CreateOptions&) {}},
    {"--no-subreaper", "", "accepted, without effect", [](runtime::CreateOptions&) {}},
});

// Those of `create` and `run`.
inline constexpr auto kCreateOptions = std::to_array<Option<runtime::CreateOptions>>({
    {"--no-new-keyring", "", "stay in the session keyring of the caller",
     [](runtime::CreateOptions& options) { options.new_keyring = false; }},
});

// Seconds, from the text of --timeout.
std::chrono::seconds parse_timeout(const std::string& text);
// A command's own --timeout replaces the setting for it.
inline constexpr auto kTimeoutOption = std::to_array<Option<settings::Options>>({
    {"--timeout", "SECONDS", "how long this may take",
     [](settings::Options& options, const std::string& text) {
         options.timeout = parse_timeout(text);
     }},
});

// Throws SystemError if there is no such directory.
std::string absolute_bundle(const std::string& bundle);

// Throws Error with the first of the descriptors 3 to 3 + count - 1 that is not open.
void check_preserved(std::uint32_t count);

// What the options do not say themselves: absolute paths, the descriptors of LISTEN_FDS. What the
// environment has left over from another start is a warning of `common`.
void complete(runtime::CreateOptions& options, const settings::Options& common);

}  // namespace lxcri::cmd
