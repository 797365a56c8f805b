#include "runtime/exec.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "create_options.h"
#include "oci/names.h"
#include "os/file.h"
#include "parse.h"

namespace lxcri::cmd {

namespace {

using runtime::ExecOptions;

struct Values {
    ExecOptions exec;
    std::string process;  // a file
};

// setresuid(2) takes the largest number for "leave it as it is".
std::uint32_t parse_id(const std::string& text, const char* option) {
    const auto id = parse_integer<std::uint32_t>(text);
    if (id && *id != 0xffffffff) return *id;
    reject(option, text, "a number from 0 to 4294967294");
}

void take_user(ExecOptions& options, const std::string& text) {
    const auto colon = text.find(':');
    options.uid = parse_id(text.substr(0, colon), "--user");
    if (colon != std::string::npos) options.gid = parse_id(text.substr(colon + 1), "--user");
}

void take_groups(ExecOptions& options, const std::string& text) {
    for (const std::string& gid : split(text, ',')) {
        options.additional_gids.push_back(parse_id(gid, "--additional-gids"));
    }
}

void take_directory(ExecOptions& options, const std::string& text) {
    if (text.empty()) return;
    if (!text.starts_with('/')) reject("--cwd", text, "an absolute path");
    options.cwd = text;
}

void take_environment(ExecOptions& options, const std::string& text) {
    const auto end_of_name = text.find('=');
    if (end_of_name == std::string::npos || end_of_name == 0) reject("--env", text, "NAME=VALUE");
    options.env.push_back(text);
}

void take_capability(ExecOptions& options, const std::string& text) {
    if (!oci::capability_number(text)) reject("--cap", text, "a name such as CAP_KILL");
    options.capabilities.push_back(text);
}

// PATH, or CONTROLLER[,CONTROLLER...]:PATH.
void take_cgroup(ExecOptions& options, const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos) {
        options.cgroups.push_back({{}, text});
    } else {
        options.cgroups.push_back({split(text.substr(0, colon), ','), text.substr(colon + 1)});
    }
}

template <int flag>
void join_namespace(ExecOptions& options) {
    options.namespaces |= flag;
}

constexpr auto kProcess = std::to_array<Option<Values>>({
    {"-p,--process", "FILE", "file with the process as in config.json", &Values::process},
});

constexpr std::string_view kJoin = "join only this namespace and those of the other such flags";

constexpr auto kOptions = std::to_array<Option<ExecOptions>>({
    {"-t,--tty", "", "give it a terminal", &ExecOptions::terminal},
    {"--console-socket", "SOCKET", "socket that gets its terminal", &ExecOptions::console_socket},
    {"--pidfd-socket", "SOCKET", "socket that gets a pidfd of it", &ExecOptions::pidfd_socket},
    {"--cwd", "DIR", "its working directory", take_directory},
    {"-e,--env", "NAME=VALUE", "added to the container's environment; repeatable",
     take_environment},
    {"-u,--user", "UID[:GID]", "its user and group, as numbers", take_user},
    {"-g,--additional-gids", "GID[,GID...]", "groups, added; numbers; repeatable", take_groups},
    {"-d,--detach", "", "return when it runs", &ExecOptions::detach},
    {"--pid-file", "FILE", "file that gets its pid", &ExecOptions::pid_file},
    {"--process-label", "LABEL", "its SELinux label",
     [](ExecOptions& options, const std::string& text) {
         if (!text.empty()) options.selinux_label = text;
     }},
    {"--apparmor", "PROFILE", "its AppArmor profile",
     [](ExecOptions& options, const std::string& text) {
         if (!text.empty()) options.apparmor_profile = text;
     }},
    {"--no-new-privs", "", "set no_new_privs; =false: do not, even if the container has it",
     &ExecOptions::no_new_privileges},
    {"-c,--cap", "NAME", "capability, added; repeatable", take_capability},
    {"--preserve-fds", "N", "pass N descriptors, from 3 on, to it", &ExecOptions::preserve_fds},
    {"--cgroup", "[CONTROLLERS:]PATH", "a cgroup below the container's; repeatable", take_cgroup},
    {"--ignore-paused", "", "in a paused container: wait until it is resumed",
     &ExecOptions::ignore_paused},
    {"--ipc", "", kJoin, join_namespace<CLONE_NEWIPC>},
    {"--mnt", "", kJoin, join_namespace<CLONE_NEWNS>},
    {"--net", "", kJoin, join_namespace<CLONE_NEWNET>},
    {"--pid", "", kJoin, join_namespace<CLONE_NEWPID>},
    {"--userns", "", kJoin, join_namespace<CLONE_NEWUSER>},
    {"--uts", "", kJoin, join_namespace<CLONE_NEWUTS>},
    {"--cgroupns", "", kJoin, join_namespace<CLONE_NEWCGROUP>},
    {"--time", "", kJoin, join_namespace<CLONE_NEWTIME>},
});

// Everything from the first word that is not an option: the ID, then the program with its
// arguments, which may look like options.
void take_words(std::vector<std::string> words, bool has_process, ExecOptions& options) {
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
        throw Error(concat("--process: expected no program, which is in the file, got ",
                           lxcri::in_quotes(words.front())));
    }
    if (!has_process && words.empty()) throw Error("a program is missing: lxcri exec ID PROGRAM");
    options.args = std::move(words);
}

}  // namespace

int run_exec(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Run a program in a container that exists.\n"
        "The exit status is that of the program, or 128 plus the number of the signal that\n"
        "ended it.",
        "lxcri exec");
    Values values;
    ExecOptions& exec = values.exec;
    parser.leave_words("ID PROGRAM [ARGUMENT...]");
    parser.add(kProcess, values);
    parser.add(kOptions, exec);
    parser.parse(std::move(arguments));
    take_words(parser.remaining(), !values.process.empty(), exec);
    try {
        if (!values.process.empty()) exec.process_json = os::read_file_at(AT_FDCWD, values.process);
        check_preserved(exec.preserve_fds);
        return runtime::exec(common, exec);
    } catch (const Error& error) {
        throw ExitError(error.what(), kNotExecuted);
    }
}

}  // namespace lxcri::cmd
