#pragma once
// The arguments that `create` and `run` share, and some of `exec`.

#include <cstdint>
#include <optional>
#include <string>

#include "command.h"
#include "parse.h"
#include "runtime/create.h"

namespace lxcri::cmd {

struct CreateArguments {
    std::string id;
    std::string bundle = ".";
    std::string config;
    std::string pid_file;
    std::string console_socket;
    std::string pidfd_socket;
    std::uint32_t preserve_fds = 0;
    bool no_pivot = false;
    bool no_new_keyring = false;
    bool no_subreaper = false;
    std::optional<std::uint32_t> timeout;
};

// SystemError when there is no such directory.
std::string absolute_bundle(const std::string& bundle);

// Descriptors 3 to 3 + count - 1 are open: Error for the first one that is not.
void check_preserved(std::uint32_t count);

// --timeout of a command goes before the setting for it.
void add_timeout_option(CLI::App& app, std::optional<std::uint32_t>& timeout);
std::chrono::seconds checked_timeout(std::uint32_t seconds);
settings::Options with_timeout(settings::Options options,
                               const std::optional<std::uint32_t>& timeout);

// Those of every command that makes a container of a bundle.
void add_bundle_options(CLI::App& app, CreateArguments& arguments);
void add_create_options(CLI::App& app, CreateArguments& arguments);
// What the environment has left over from another start is a warning of `common`.
runtime::CreateOptions make_create_options(const CreateArguments& arguments,
                                           const settings::Options& common);

}  // namespace lxcri::cmd
