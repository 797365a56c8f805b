#include <fcntl.h>
#include <stdlib.h>

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "create_arguments.h"

namespace lxcri::cmd {

namespace {

std::uint32_t count_listen_fds() {
    const char* value = ::getenv("LISTEN_FDS");
    if (value == nullptr) return 0;
    const auto count = parse_integer<std::uint32_t>(value);
    constexpr std::uint32_t kMost = 4096;
    if (!count || *count > kMost)
        throw Error(concat("LISTEN_FDS: found ", lxcri::quoted(value), ", accepted is a number"));
    return *count;
}

}  // namespace

void check_preserved(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const int fd = static_cast<int>(i) + 3;
        if (::fcntl(fd, F_GETFD) == -1) {
            throw Error(concat("--preserve-fds: descriptor ", std::to_string(fd), " is not open"));
        }
    }
}

std::string absolute_bundle(const std::string& bundle) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(bundle.c_str(), nullptr), ::free);
    if (!real) throw SystemError(errno, "--bundle", bundle);
    return real.get();
}

void add_create_options(CLI::App& app, CreateArguments& arguments) {
    app.add_option("ID", arguments.id, "name of the container, unique below --root")->required();
    app.add_option("-b,--bundle", arguments.bundle, "directory with config.json (default: here)");
    app.add_option(
        "--pid-file", arguments.pid_file,
        "file that gets the pid to wait for: the container process, or the monitor that stays");
    app.add_option("--console-socket", arguments.console_socket,
                   "socket that gets the terminal of the container process");
    app.add_option("--pidfd-socket", arguments.pidfd_socket,
                   "socket that gets a pidfd of the container process");
    app.add_option("--preserve-fds", arguments.preserve_fds,
                   "pass this many descriptors, from 3 on, to the container process");
    app.add_flag("--no-pivot", arguments.no_pivot, "refused: liblxc always uses pivot_root");
    app.add_flag("--no-new-keyring", arguments.no_new_keyring,
                 "stay in the session keyring of the caller");
    app.add_flag("--no-subreaper", arguments.no_subreaper, "accepted, without effect");
}

runtime::CreateOptions make_create_options(const CreateArguments& arguments) {
    if (arguments.no_pivot) {
        throw Error("--no-pivot: not possible, liblxc changes the root with pivot_root alone");
    }
    runtime::CreateOptions options;
    options.id = arguments.id;
    options.bundle = absolute_bundle(arguments.bundle);
    options.pid_file = arguments.pid_file;
    options.console_socket = arguments.console_socket;
    options.pidfd_socket = arguments.pidfd_socket;
    options.new_keyring = !arguments.no_new_keyring;
    options.preserve_fds = arguments.preserve_fds;
    options.listen_fds = count_listen_fds();
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
    auto created = runtime::create(globals.options, make_create_options(values));
    if (created.monitor) created.monitor->release();
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
