// lxcri: an OCI runtime on liblxc. This file reads the options that all commands share, finds the
// command, and turns whatever fails into one line on stderr, one record in the log, and exit
// code 1.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/enum_table.h"
#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "logging.h"
#include "os/process.h"
#include "os/user_namespace.h"
#include "version.h"

namespace {

using namespace lxcri;
using namespace lxcri::cmd;

constexpr std::array<Named<LogLevel>, 6> kLogLevels{{
    {"error", LogLevel::error},
    {"warning", LogLevel::warning},
    {"warn", LogLevel::warning},
    {"info", LogLevel::info},
    {"debug", LogLevel::debug},
    {"trace", LogLevel::debug},
}};

constexpr std::array<Named<LogFormat>, 2> kLogFormats{{
    {"text", LogFormat::text},
    {"json", LogFormat::json},
}};

// Descriptors 0-2 that the caller has closed are filled, so that nothing of ours gets their
// numbers; those beyond 2 are kept from every program that we execute.
Caller look_at_caller() {
    Caller caller;
    for (int number = 0; number <= 2; ++number) {
        if (::fcntl(number, F_GETFD) != -1) continue;
        caller.open_stdio &= ~(1U << static_cast<unsigned>(number));
        if (::open("/dev/null", O_RDWR | O_CLOEXEC) != number) ::_exit(EXIT_FAILURE);
    }
    os::close_on_exec_from(3);
    return caller;
}

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? "" : value;
}

std::string absolute(const std::string& path) {
    if (path.starts_with('/')) return path;
    char* here = ::getcwd(nullptr, 0);
    if (here == nullptr) throw SystemError(errno, "getcwd");
    std::string result = concat(here, "/", path);
    ::free(here);
    return result;
}

// /run belongs to root of the host, and to nobody who is root of a user namespace alone.
std::string default_root() {
    const std::string runtime_dir = environment("XDG_RUNTIME_DIR");
    const bool is_root = ::geteuid() == 0;
    // Root mostly has none: then nothing needs to be read to know.
    if (is_root && (runtime_dir.empty() || os::find_outer_user().initial_namespace)) {
        return "/run/lxcri";
    }
    if (!runtime_dir.empty()) return concat(runtime_dir, "/lxcri");
    return concat("/run/user/", std::to_string(::geteuid()), "/lxcri");
}

// PREFIX/libexec/lxcri for PREFIX/bin/lxcri: an installed tree can be moved. No PATH is needed.
std::string default_libexec_dir() {
    std::string path(PATH_MAX, '\0');
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length <= 0) throw SystemError(errno, "readlink", "/proc/self/exe");
    path.resize(static_cast<std::size_t>(length));
    const auto bin = path.rfind('/');
    const auto prefix = bin == 0 ? bin : path.rfind('/', bin - 1);
    return concat(path.substr(0, prefix), "/libexec/lxcri");
}

template <class Value, std::size_t N>
Value choose(const std::array<Named<Value>, N>& table, const std::string& option,
             const std::string& name) {
    if (const auto value = value_of(table, name)) return *value;
    throw Error(
        concat(option, ": found ", lxcri::quoted(name), ", accepted are ", names_of(table)));
}

struct GlobalArguments {
    std::string root;
    std::string log;
    std::string log_format = "text";
    std::string log_level = "error";
    std::string libexec;
    std::string cgroup_manager = "cgroupfs";
    std::string monitor = "hand-over";
    std::string rootless;
    bool debug = false;
    bool systemd_cgroup = false;
    bool version = false;
};

void add_options(CLI::App& app, GlobalArguments& arguments) {
    app.prefix_command();
    app.set_help_flag("-h,--help", "show this text");
    app.add_option("--root", arguments.root,
                   "directory of all containers (default: /run/lxcri, or $XDG_RUNTIME_DIR/lxcri)");
    app.add_option("--log", arguments.log, "file for errors and warnings (default: stderr)");
    app.add_option("--log-format", arguments.log_format, "text or json");
    app.add_option("--log-level", arguments.log_level, "error, warning, info or debug");
    app.add_flag("--debug", arguments.debug,
                 "the same as --log-level debug, with all that liblxc says");
    app.add_option("--cgroup-manager", arguments.cgroup_manager, "cgroupfs, systemd or disabled");
    app.add_flag("--systemd-cgroup", arguments.systemd_cgroup,
                 "the same as --cgroup-manager systemd");
    app.add_option(
        "--monitor", arguments.monitor,
        "hand-over: liblxc's monitor ends when the container is created; keep: it stays, "
        "for lxc-info and others");
    app.add_option("--rootless", arguments.rootless, "true, false or auto; accepted, not needed");
    app.add_option("--libexec", arguments.libexec,
                   "directory of lxcri-start and the other helpers");
    app.add_flag("-v,--version", arguments.version, "show the version");
    std::string commands = "Commands (each has --help):\n";
    for (const auto& command : kCommands) {
        commands += concat("  ", command.name, std::string(12 - command.name.size(), ' '),
                           command.help, "\n");
    }
    app.footer(commands);
}

constexpr std::array<Named<runtime::CgroupDriver>, 3> kCgroupDrivers{{
    {"cgroupfs", runtime::CgroupDriver::cgroupfs},
    {"systemd", runtime::CgroupDriver::systemd},
    {"disabled", runtime::CgroupDriver::disabled},
}};

// Callers give --systemd-cgroup for all their containers, and "disabled" beside it for one.
runtime::CgroupDriver cgroup_driver(const GlobalArguments& arguments) {
    const auto driver = choose(kCgroupDrivers, "--cgroup-manager", arguments.cgroup_manager);
    const bool is_disabled = driver == runtime::CgroupDriver::disabled;
    return arguments.systemd_cgroup && !is_disabled ? runtime::CgroupDriver::systemd : driver;
}

bool keep_monitor(const std::string& monitor) {
    if (monitor == "keep") return true;
    if (monitor == "hand-over") return false;
    throw Error(
        concat("--monitor: found ", lxcri::quoted(monitor), ", accepted are hand-over, keep"));
}

void open_log(const GlobalArguments& arguments, Log& log) {
    const LogLevel level =
        arguments.debug ? LogLevel::debug : choose(kLogLevels, "--log-level", arguments.log_level);
    const LogFormat format = choose(kLogFormats, "--log-format", arguments.log_format);
    // The error itself goes to stderr anyway: without --log only more than that needs a log there.
    if (!arguments.log.empty() || level != LogLevel::error) log.open(arguments.log, format, level);
}

Globals make_globals(const GlobalArguments& arguments, const Caller& caller, Log& log) {
    Globals globals;
    globals.caller = caller;
    auto& options = globals.options;
    options.root_is_default = arguments.root.empty();
    options.root = arguments.root.empty() ? default_root() : absolute(arguments.root);
    options.libexec_dir =
        arguments.libexec.empty() ? default_libexec_dir() : absolute(arguments.libexec);
    options.cgroup_driver = cgroup_driver(arguments);
    options.keep_monitor = keep_monitor(arguments.monitor);
    options.open_stdio = caller.open_stdio;
    options.notify_socket = environment("NOTIFY_SOCKET");
    options.lxc_debug_log = arguments.debug;
    options.warn = [&log](std::string_view message) { log.warning(message); };
    options.always_warn = [&log](std::string_view message) { log.always_warn(message); };
    options.debug = [&log](std::string_view message) { log.debug(message); };
    return globals;
}

const Command& find_command(const std::string& name) {
    for (const auto& command : kCommands) {
        if (command.name == name) return command;
    }
    throw Error(concat("unknown command ", lxcri::quoted(name), ", `lxcri --help` lists them"));
}

int run(int argc, char** argv, const Caller& caller, Log& log) {
    CLI::App app("lxcri: an OCI container runtime on liblxc\n", "lxcri");
    GlobalArguments arguments;
    add_options(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return EXIT_SUCCESS;
    }
    if (arguments.version) {
        std::fputs(version_text().c_str(), stdout);
        return EXIT_SUCCESS;
    }
    open_log(arguments, log);
    Arguments rest = app.remaining();
    if (rest.empty()) throw Error("a command is missing, `lxcri --help` lists them");
    if (rest.front() == "help") {
        if (rest.size() == 1) {
            std::fputs(app.help().c_str(), stdout);
            return EXIT_SUCCESS;
        }
        rest = {rest[1], "--help"};
    }
    const Command& command = find_command(rest.front());
    rest.erase(rest.begin());
    return command.run(make_globals(arguments, caller, log), std::move(rest));
}

}  // namespace

namespace lxcri::cmd {

void parse(CLI::App& app, Arguments arguments) {
    app.set_help_flag("-h,--help", "show this text");
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        throw;
    }
}

}  // namespace lxcri::cmd

int main(int argc, char** argv) {
    const Caller caller = look_at_caller();
    Log log;
    std::string message;
    try {
        return run(argc, argv, caller, log);
    } catch (const CLI::Success&) {
        return EXIT_SUCCESS;
    } catch (const CLI::ParseError& error) {
        message = error.what();
    } catch (const std::exception& error) {
        message = error.what();
    }
    log.error(message);
    std::fprintf(stderr, "lxcri: %s\n", message.c_str());
    return EXIT_FAILURE;
}
