#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "create_arguments.h"

namespace lxcri::cmd {

namespace {

// sd_listen_fds(3): with a LISTEN_PID they are for that process; somebody else's numbers mean other
// descriptors here, which the container must not get.
bool is_for_us() {
    const char* pid = ::getenv("LISTEN_PID");
    return pid == nullptr || parse_integer<pid_t>(pid) == ::getpid();
}

// The first of `count` descriptors, from 3 on, that is not open.
std::optional<int> find_closed(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const int fd = static_cast<int>(i) + 3;
        if (::fcntl(fd, F_GETFD) == -1) return fd;
    }
    return {};
}

// What cannot be true is left over from somebody else's start, and no reason to fail.
std::uint32_t count_listen_fds(const settings::Options::Tell& warn) {
    const char* value = ::getenv("LISTEN_FDS");
    if (value == nullptr || *value == '\0' || !is_for_us()) return 0;
    const auto count = parse_integer<std::uint32_t>(value);
    constexpr std::uint32_t kMost = 4096;
    if (!count || *count > kMost) {
        warn(concat("LISTEN_FDS: found ", lxcri::in_quotes(value),
                    ", accepted is a number; it is ignored"));
        return 0;
    }
    if (const auto fd = find_closed(*count)) {
        warn(concat("LISTEN_FDS: descriptor ", std::to_string(*fd), " is not open; it is ignored"));
        return 0;
    }
    return *count;
}

std::string absolute_path(const std::string& path, std::string_view option) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
    if (!real) throw SystemError(errno, option, path);
    return real.get();
}

}  // namespace

void check_preserved(std::uint32_t count) {
    if (const auto fd = find_closed(count)) {
        throw Error(concat("--preserve-fds: descriptor ", std::to_string(*fd), " is not open"));
    }
}

std::chrono::seconds checked_timeout(std::uint32_t seconds) {
    constexpr std::uint32_t kDay = 86400;
    if (seconds >= 1 && seconds <= kDay) return std::chrono::seconds(seconds);
    throw Error(concat("--timeout: found ", std::to_string(seconds), ", accepted is 1 to 86400"));
}

settings::Options with_timeout(settings::Options options,
                               const std::optional<std::uint32_t>& timeout) {
    if (timeout) options.timeout = checked_timeout(*timeout);
    return options;
}

std::string absolute_bundle(const std::string& bundle) {
    return absolute_path(bundle, "--bundle");
}

void add_timeout_option(CLI::App& app, std::optional<std::uint32_t>& timeout) {
    app.add_option("--timeout", timeout, "seconds that this may take");
}

void add_bundle_options(CLI::App& app, CreateArguments& arguments) {
    app.add_option("ID", arguments.id, "name of the container, unique below --root")->required();
    app.add_option("-b,--bundle", arguments.bundle, "directory with config.json (default: here)");
    app.add_option("-f,--config", arguments.config,
                   "file to read instead of config.json of the bundle");
    app.add_option(
        "--pid-file", arguments.pid_file,
        "file that gets the pid to wait for: the container process, or the monitor that stays");
    app.add_option("--console-socket", arguments.console_socket,
                   "socket that gets the terminal of the container process");
    app.add_option("--pidfd-socket", arguments.pidfd_socket,
                   "socket that gets a pidfd of the container process");
    app.add_option("--preserve-fds", arguments.preserve_fds,
                   "pass this many descriptors, from 3 on, to the container process");
    app.add_flag("--no-pivot", arguments.no_pivot,
                 "accepted: on a ramdisk liblxc does without pivot_root by itself");
    app.add_flag("--no-subreaper", arguments.no_subreaper, "accepted, without effect");
}

void add_create_options(CLI::App& app, CreateArguments& arguments) {
    add_bundle_options(app, arguments);
    app.add_flag("--no-new-keyring", arguments.no_new_keyring,
                 "stay in the session keyring of the caller");
    add_timeout_option(app, arguments.timeout);
}

runtime::CreateOptions make_create_options(const CreateArguments& arguments,
                                           const settings::Options& common) {
    runtime::CreateOptions options;
    options.id = arguments.id;
    options.bundle = absolute_bundle(arguments.bundle);
    if (!arguments.config.empty()) {
        options.config_file = absolute_path(arguments.config, "--config");
    }
    options.pid_file = arguments.pid_file;
    options.console_socket = arguments.console_socket;
    options.pidfd_socket = arguments.pidfd_socket;
    options.new_keyring = !arguments.no_new_keyring;
    options.preserve_fds = arguments.preserve_fds;
    options.listen_fds = count_listen_fds(common.warn);
    const char* names = ::getenv("LISTEN_FDNAMES");
    if (names != nullptr) options.listen_fdnames = names;
    check_preserved(options.listen_fds + options.preserve_fds);
    return options;
}

int run_create(const Globals& globals, Arguments arguments) {
    CLI::App app("Make a container from a bundle. Its process waits for `lxcri start ID`.",
                 "lxcri create");
    CreateArguments values;
    add_create_options(app, values);
    parse(app, std::move(arguments));
    auto created = runtime::create(with_timeout(globals.options, values.timeout),
                                   make_create_options(values, globals.options));
    if (created.monitor) created.monitor->release();
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
