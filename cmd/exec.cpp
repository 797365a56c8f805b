#include "runtime/exec.h"

#include <fcntl.h>
#include <sched.h>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_arguments.h"
#include "oci/names.h"
#include "os/file.h"

namespace lxcri::cmd {

namespace {

// setresuid(2) takes the largest number for "leave it as it is".
std::uint32_t parse_id(const std::string& text, const char* option) {
    const auto id = parse_integer<std::uint32_t>(text);
    if (id && *id != 0xffffffff) return *id;
    throw Error(concat(option, ": found ", lxcri::in_quotes(text),
                       ", accepted is a number from 0 to 4294967294"));
}

void take_user(const std::string& text, runtime::ExecOptions& options) {
    const auto colon = text.find(':');
    options.uid = parse_id(text.substr(0, colon), "--user");
    if (colon != std::string::npos) options.gid = parse_id(text.substr(colon + 1), "--user");
}

// PATH, or CONTROLLER[,CONTROLLER...]:PATH.
cgroup::SubCgroup parse_cgroup(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos) return {{}, text};
    return {split(text.substr(0, colon), ','), text.substr(colon + 1)};
}

void check_environment_entry(const std::string& entry) {
    const auto end_of_name = entry.find('=');
    if (end_of_name != std::string::npos && end_of_name != 0) return;
    throw Error(concat("--env: found ", lxcri::in_quotes(entry), ", accepted is NAME=value"));
}

struct Values {
    std::string process;
    std::string user;
    std::string cwd;
    std::string apparmor;
    std::string process_label;
    std::vector<std::string> gids;
    std::vector<std::string> cgroups;
    std::vector<std::string> namespaces;
    bool no_new_privileges = false;
};

// Everything from the first word that is no option: the ID, then the program with its arguments,
// which may look like options.
void take_words(std::vector<std::string> words, bool has_process, runtime::ExecOptions& options) {
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
    if (words.empty()) throw Error("ID is missing, `lxcri exec --help` shows the arguments");
    if (words.front().starts_with('-')) {
        throw Error(concat("unknown option ", lxcri::in_quotes(words.front()),
                           ", `lxcri exec --help` lists them"));
    }
    options.id = words.front();
    words.erase(words.begin());
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
    if (has_process && !words.empty()) {
        throw Error(concat("--process: the program is in the file, found also ",
                           lxcri::in_quotes(words.front())));
    }
    if (!has_process && words.empty()) throw Error("a program is missing: lxcri exec ID PROGRAM");
    options.args = std::move(words);
}

void add_namespace_flag(CLI::App& app, const std::string& name, int flag,
                        runtime::ExecOptions& options) {
    app.add_flag_callback(
        name, [&options, flag] { options.namespaces |= flag; },
        "join this namespace and others named so, not all");
}

void add_options(CLI::App& app, Values& values, runtime::ExecOptions& options) {
    leave_words(app, "ID PROGRAM [ARGUMENT...]");
    app.add_option("-p,--process", values.process, "file with the process as in config.json");
    app.add_flag("-t,--tty", options.terminal, "give it a terminal");
    app.add_option("--console-socket", options.console_socket, "socket that gets its terminal");
    app.add_option("--pidfd-socket", options.pidfd_socket, "socket that gets a pidfd of it");
    app.add_option("--cwd", values.cwd, "its working directory");
    app.add_option("-e,--env", options.env, "NAME=value, added to the container's; repeatable")
        ->allow_extra_args(false);
    app.add_option("-u,--user", values.user, "UID[:GID], numbers");
    app.add_option("-g,--additional-gids", values.gids, "groups, added; numbers; repeatable")
        ->allow_extra_args(false)
        ->delimiter(',');
    app.add_flag("-d,--detach", options.detach, "return when it runs");
    app.add_option("--pid-file", options.pid_file, "file that gets its pid");
    app.add_option("--process-label", values.process_label, "its SELinux label");
    app.add_option("--apparmor", values.apparmor, "its AppArmor profile");
    app.add_flag("--no-new-privs", values.no_new_privileges,
                 "set no_new_privs; =false: do not, whatever the container has");
    app.add_option("-c,--cap", options.capabilities, "capability, added; repeatable")
        ->allow_extra_args(false);
    app.add_option("--preserve-fds", options.preserve_fds,
                   "pass this many descriptors, from 3 on, to it");
    app.add_option("--cgroup", values.cgroups,
                   "[CONTROLLERS:]PATH, a cgroup below the container's; repeatable")
        ->allow_extra_args(false);
    app.add_flag("--ignore-paused", options.ignore_paused,
                 "in a paused container: wait until it is resumed");
    add_namespace_flag(app, "--ipc", CLONE_NEWIPC, options);
    add_namespace_flag(app, "--mnt", CLONE_NEWNS, options);
    add_namespace_flag(app, "--net", CLONE_NEWNET, options);
    add_namespace_flag(app, "--pid", CLONE_NEWPID, options);
    add_namespace_flag(app, "--userns", CLONE_NEWUSER, options);
    add_namespace_flag(app, "--uts", CLONE_NEWUTS, options);
    add_namespace_flag(app, "--cgroupns", CLONE_NEWCGROUP, options);
    add_namespace_flag(app, "--time", CLONE_NEWTIME, options);
}

void check_capability(const std::string& name) {
    if (oci::capability_number(name)) return;
    throw Error(
        concat("--cap: found ", lxcri::in_quotes(name), ", accepted is a name as CAP_KILL"));
}

// What has no line in an option, and the execution itself.
int execute(const Globals& globals, const Values& values, runtime::ExecOptions options) {
    if (!values.process.empty()) options.process_json = os::read_file_at(AT_FDCWD, values.process);
    check_preserved(options.preserve_fds);
    return runtime::exec(globals.options, options);
}

}  // namespace

int run_exec(const Globals& globals, Arguments arguments) {
    CLI::App app(
        "Run a program in a container that exists.\n"
        "Exits as the program does; 128 and the signal's number when a signal has killed it.",
        "lxcri exec");
    Values values;
    runtime::ExecOptions options;
    add_options(app, values, options);
    parse(app, std::move(arguments));
    take_words(app.remaining(), !values.process.empty(), options);

    if (!values.user.empty()) take_user(values.user, options);
    if (app.count("--user") > 0 && values.user.empty()) parse_id("", "--user");
    if (!values.cwd.empty()) options.cwd = values.cwd;
    if (!values.cwd.empty() && !values.cwd.starts_with('/')) {
        throw Error(concat("--cwd: found ", lxcri::in_quotes(values.cwd),
                           ", accepted is an absolute path"));
    }
    if (app.count("--no-new-privs") > 0) options.no_new_privileges = values.no_new_privileges;
    if (!values.apparmor.empty()) options.apparmor_profile = values.apparmor;
    if (!values.process_label.empty()) options.selinux_label = values.process_label;
    for (const auto& gid : values.gids) {
        options.additional_gids.push_back(parse_id(gid, "--additional-gids"));
    }
    for (const auto& text : values.cgroups) options.cgroups.push_back(parse_cgroup(text));
    for (const auto& entry : options.env) check_environment_entry(entry);
    for (const auto& name : options.capabilities) check_capability(name);
    try {
        return execute(globals, values, std::move(options));
    } catch (const Error& error) {
        throw ExitError(error.what(), kNotExecuted);
    }
}

}  // namespace lxcri::cmd
