// lxcri: an OCI runtime on liblxc. This file reads the options that all commands share, finds the
// command, and turns whatever fails into one line on stderr, one record in the log, and an exit
// code, mostly 1.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "command.h"
#include "globals.h"
#include "help.h"
#include "logging.h"
#include "os/process.h"
#include "os/user_namespace.h"
#include "output.h"
#include "settings/settings.h"
#include "version.h"

namespace {

using namespace lxcri;
using namespace lxcri::cmd;
using settings::Settings;

// Descriptors 0-2 that the caller has closed are filled, so that nothing of ours gets their
// numbers; those beyond 2 are kept from every program that we execute.
Caller look_at_caller() {
    Caller caller;
    for (int number = 0; number <= 2; ++number) {
        if (::fcntl(number, F_GETFD) != -1 || errno != EBADF) continue;
        caller.open_stdio &= ~(1U << static_cast<unsigned>(number));
        if (::open("/dev/null", O_RDWR | O_CLOEXEC) != number) ::_exit(EXIT_FAILURE);
    }
    os::close_on_exec_from(3);
    return caller;
}

constexpr const char* kInstalledLibexec = LXCRI_INSTALLED_LIBEXEC;

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? "" : value;
}

// /run belongs to root of the host, and not to the root of another user namespace.
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
std::string libexec_dir_beside() {
    std::string path(PATH_MAX, '\0');
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length == -1 && errno == ENOENT) {
        throw Error("a procfs on /proc is required, but there is none (/proc/self/exe)");
    }
    if (length <= 0) throw SystemError(errno, "readlink", "/proc/self/exe");
    path.resize(static_cast<std::size_t>(length));
    const auto bin = path.rfind('/');
    const auto prefix = bin == 0 ? bin : path.rfind('/', bin - 1);
    return concat(path.substr(0, prefix), "/libexec/lxcri");
}

// This program alone may have been copied, or bound, to another place: then the others are still
// where they were installed.
std::string default_libexec_dir() {
    std::string beside = libexec_dir_beside();
    if (::access(beside.c_str(), F_OK) == 0 || ::access(kInstalledLibexec, F_OK) != 0) {
        return beside;
    }
    return kInstalledLibexec;
}

Settings built_in_settings() {
    Settings settings;
    settings.root.value.text = default_root();
    settings.libexec.value.text = default_libexec_dir();
    return settings;
}

// Without reading the other settings, which may be wrong: callers ask for the version all the same.
std::string libexec_dir(const GlobalArguments& arguments) {
    const auto flag = arguments.settings.find("libexec");
    if (flag != arguments.settings.end()) return flag->second;
    const std::string variable = environment("LXCRI_LIBEXEC");
    return variable.empty() ? default_libexec_dir() : variable;
}

std::string settings_file(const GlobalArguments& arguments) {
    if (!arguments.settings_file.empty()) return arguments.settings_file;
    return environment("LXCRI_CONFIG");
}

void open_log(const Settings& settings, Log& log) {
    const LogLevel level = settings.debug.value ? LogLevel::debug : settings.log_level.value;
    const bool level_is_given =
        settings.debug.value || settings.log_level.source != settings::Source::built_in;
    const std::string& file = settings.log.value.text;
    const LogFormat format = settings.log_format.value;
    // The error itself goes to stderr anyway: without --log only more than that needs a log there,
    // and that may be the container's stderr.
    if (file.empty() && (!level_is_given || level == LogLevel::error)) return;
    log.open(file, format, level, format == LogFormat::json && !level_is_given);
}

Settings make_settings(const GlobalArguments& arguments, Log& log) {
    Settings settings = built_in_settings();
    try {
        const std::string file = settings_file(arguments);
        settings::read_settings_file(file.empty() ? settings::kSettingsFile : file, !file.empty(),
                                     settings);
        settings::read_environment(settings);
    } catch (const Error&) {
        // Callers look for the reason where their flags say.
        Settings flags;
        read_flags(arguments, flags);
        open_log(flags, log);
        throw;
    }
    read_flags(arguments, settings);
    open_log(settings, log);
    return settings;
}

std::chrono::seconds timeout_of(const Settings& settings, std::string_view command) {
    if (command == "kill") return settings.kill_timeout.value;
    return settings.create_timeout.value;
}

Globals make_globals(Settings settings, const std::string& settings_file, std::string_view command,
                     const Caller& caller, Log& log) {
    Globals globals;
    globals.caller = caller;
    auto& options = globals.options;
    const auto source = settings.root.source;
    options.root_is_default =
        source == settings::Source::built_in || source == settings::Source::file;
    options.root = settings.root.value.text;
    options.libexec_dir = settings.libexec.value.text;
    if (settings.libexec.source == settings::Source::built_in &&
        options.libexec_dir != kInstalledLibexec) {
        options.other_libexec_dir = kInstalledLibexec;
    }
    options.cgroup_driver = settings.cgroup_manager.value;
    options.keep_monitor = settings.monitor.value == settings::MonitorMode::keep;
    options.monitor_cgroup = settings.monitor_cgroup.value.text;
    options.apparmor = settings.apparmor.value;
    options.capabilities = settings.capabilities.value;
    options.cgroup_devices = settings.cgroup_devices.value;
    options.seccomp = settings.seccomp.value;
    options.system = settings.system.value;
    options.system_annotation = settings.system_annotation.value;
    options.open_stdio = caller.open_stdio;
    options.notify_socket = environment("NOTIFY_SOCKET");
    options.lxc_debug_log = settings.debug.value;
    options.timeout = timeout_of(settings, command);
    options.start_timeout = settings.start_timeout.value;
    options.delete_timeout = settings.delete_timeout.value;
    options.settings_file = settings_file.empty() ? settings::kSettingsFile : settings_file;
    options.systemd_properties = settings.systemd_properties.value.names;
    options.lxc_items = settings.lxc_items.value.names;
    options.lxcfs = settings.lxcfs.value.text;
    options.agent_socket = settings.agent_socket.value.text;
    options.criu = settings.criu.value.text;
    options.warn = [&log](std::string_view message) { log.warning(message); };
    options.always_warn = [&log](std::string_view message) { log.always_warn(message); };
    options.debug = [&log](std::string_view message) { log.debug(message); };
    options.succeeded = [&log] { log.settle(); };
    globals.settings = std::move(settings);
    if (command == "config") globals.built_in = built_in_settings();
    return globals;
}

const Command& find_command(const std::string& name) {
    std::vector<std::string_view> names;
    for (const auto& command : kCommands) {
        if (command.name == name) return command;
        names.push_back(command.name);
    }
    throw Error(concat("unknown command ", lxcri::in_quotes(name), did_you_mean(name, names),
                       "; `lxcri --help` lists them"));
}

int show(const std::string& text) {
    show_own_words(text);
    return EXIT_SUCCESS;
}

Settings settings_for(const std::string& command, const GlobalArguments& arguments, Log& log) {
    try {
        return make_settings(arguments, log);
    } catch (const Error& error) {
        if (command == "exec") throw ExitError(error.what(), kNotExecuted);
        throw;
    }
}

int run(int argc, char** argv, const Caller& caller, Log& log) {
    const GlobalArguments arguments = parse_globals(argc, argv);
    Arguments rest = arguments.rest;
    if (arguments.help) return show(help_text());
    if (arguments.version) {
        show_lines(version_text(libexec_dir(arguments)));
        return EXIT_SUCCESS;
    }
    Settings settings = settings_for(rest.empty() ? "" : rest.front(), arguments, log);
    if (rest.empty()) throw Error("a command is missing, `lxcri --help` lists them");
    if (rest.front() == "help") {
        if (rest.size() == 1) return show(help_text());
        rest = {rest[1], "--help"};
    }
    const Command& command = find_command(rest.front());
    rest.erase(rest.begin());
    return command.run(
        make_globals(std::move(settings), settings_file(arguments), command.name, caller, log),
        std::move(rest));
}

// The exit code, when all that was to be shown has been written.
int run_and_flush(int argc, char** argv, const Caller& caller, Log& log) {
    int code = EXIT_SUCCESS;
    try {
        code = run(argc, argv, caller, log);
    } catch (const CLI::Success&) {  // --help
    }
    flush_output();
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    // A limit on the size of files is an error like any other: setrlimit(2).
    (void)::signal(SIGXFSZ, SIG_IGN);
    const Caller caller = look_at_caller();
    Log log;
    std::string message;
    int code = EXIT_FAILURE;
    try {
        code = run_and_flush(argc, argv, caller, log);
        log.settle();
        return code;
    } catch (const CLI::ParseError& error) {
        message = error.what();
    } catch (const ExitError& error) {
        message = error.what();
        code = error.code();
    } catch (const std::exception& error) {
        message = error.what();
    }
    log.error(message);
    show_error(message);
    return code;
}
