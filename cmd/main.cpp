// lxcri: an OCI runtime on liblxc. This file reads the options that all commands share, finds the
// command, and turns whatever fails into one line on stderr, one record in the log, and an exit
// code, mostly 1.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "command.h"
#include "defaults.h"
#include "globals.h"
#include "help.h"
#include "logging.h"
#include "os/process.h"
#include "output.h"
#include "parse.h"
#include "settings/settings.h"
#include "version.h"

namespace {

using namespace lxcri;
using namespace lxcri::cmd;
using settings::Options;

// Descriptors 0-2 that the caller has closed are filled, so that nothing of ours gets their
// numbers; those beyond 2 are kept from every program that we execute. Bit n of the result: the
// caller's descriptor n was open.
unsigned look_at_stdio() {
    unsigned open_stdio = 7;
    for (int number = 0; number <= 2; ++number) {
        if (::fcntl(number, F_GETFD) != -1 || errno != EBADF) continue;
        open_stdio &= ~(1U << static_cast<unsigned>(number));
        if (::open("/dev/null", O_RDWR | O_CLOEXEC) != number) ::_exit(EXIT_FAILURE);
    }
    os::close_on_exec_from(3);
    return open_stdio;
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

void open_log(const Options& options, Log& log) {
    const LogLevel level = options.lxc_debug_log ? LogLevel::debug : options.log_level;
    const bool level_is_given =
        options.lxc_debug_log || options.source_of("logLevel") != settings::Source::built_in;
    const LogFormat format = options.log_format;
    // The error itself goes to stderr anyway: without --log only more than that needs a log there,
    // and that may be the container's stderr.
    if (options.log.empty() && (!level_is_given || level == LogLevel::error)) return;
    log.open(options.log, format, level, format == LogFormat::json && !level_is_given);
}

// The settings, and the log that they ask for.
Options read_settings(const GlobalArguments& arguments, Log& log) {
    Options options = built_in_options();
    const std::string file = settings_file(arguments);
    if (!file.empty()) options.settings_file = file;
    try {
        settings::read_settings_file(
            options.settings_file,
            file.empty() ? settings::Missing::is_fine : settings::Missing::is_error, options);
        settings::read_environment(options);
    } catch (const Error&) {
        // Callers look for the reason where their flags say.
        Options flags;
        read_flags(arguments, flags);
        open_log(flags, log);
        throw;
    }
    read_flags(arguments, options);
    open_log(options, log);
    return options;
}

Options make_options(const GlobalArguments& arguments, unsigned open_stdio, Log& log) {
    Options options = read_settings(arguments, log);
    if (options.source_of("libexec") == settings::Source::built_in &&
        options.libexec_dir != installed_libexec_dir()) {
        options.other_libexec_dir = installed_libexec_dir();
    }
    options.open_stdio = open_stdio;
    options.notify_socket = environment("NOTIFY_SOCKET");
    options.warn = [&log](std::string_view message) { log.warning(message); };
    options.always_warn = [&log](std::string_view message) { log.always_warn(message); };
    options.debug = [&log](std::string_view message) { log.debug(message); };
    options.succeeded = [&log] { log.settle(); };
    return options;
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

Options options_for(const std::string& command, const GlobalArguments& arguments,
                    unsigned open_stdio, Log& log) {
    try {
        return make_options(arguments, open_stdio, log);
    } catch (const Error& error) {
        if (command == "exec") throw ExitError(error.what(), kNotExecuted);
        throw;
    }
}

int run(int argc, char** argv, unsigned open_stdio, Log& log) {
    const GlobalArguments arguments = parse_globals(argc, argv);
    Arguments rest = arguments.rest;
    if (arguments.help) return show(help_text());
    if (arguments.version) {
        show_lines(version_text(libexec_dir(arguments)));
        return EXIT_SUCCESS;
    }
    const Options options =
        options_for(rest.empty() ? "" : rest.front(), arguments, open_stdio, log);
    if (rest.empty()) throw Error("a command is missing, `lxcri --help` lists them");
    if (rest.front() == "help") {
        if (rest.size() == 1) return show(help_text());
        rest = {rest[1], "--help"};
    }
    const Command& command = find_command(rest.front());
    rest.erase(rest.begin());
    return command.run(options, std::move(rest));
}

// The exit code, when all that was to be shown has been written.
int run_and_flush(int argc, char** argv, unsigned open_stdio, Log& log) {
    int code = EXIT_SUCCESS;
    try {
        code = run(argc, argv, open_stdio, log);
    } catch (const HelpShown&) {
    }
    flush_output();
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    // A limit on the size of files is an error like any other: setrlimit(2).
    (void)::signal(SIGXFSZ, SIG_IGN);
    const unsigned open_stdio = look_at_stdio();
    Log log;
    std::string message;
    int code = EXIT_FAILURE;
    try {
        code = run_and_flush(argc, argv, open_stdio, log);
        log.settle();
        return code;
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
