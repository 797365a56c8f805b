#pragma once
// The commands. Each has its file: it declares its arguments, makes one call of runtime/, prints.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/options.h"
#include "runtime/settings.h"

namespace CLI {
class App;
}

namespace lxcri::cmd {

// What the caller of the program has left us, seen before anything is opened.
struct Caller {
    unsigned open_stdio = 7;  // bit n: descriptor n was open
};

struct Globals {
    runtime::Options options;
    runtime::Settings settings;  // what the options were made from, and where it was said
    runtime::Settings built_in;  // for `config` alone
    Caller caller;
};

// The exit code.
using Arguments = std::vector<std::string>;
using Run = int (*)(const Globals& globals, Arguments arguments);

struct Command {
    std::string_view name;
    std::string_view help;
    Run run;
};

int run_create(const Globals& globals, Arguments arguments);
int run_start(const Globals& globals, Arguments arguments);
int run_state(const Globals& globals, Arguments arguments);
int run_kill(const Globals& globals, Arguments arguments);
int run_delete(const Globals& globals, Arguments arguments);
int run_list(const Globals& globals, Arguments arguments);
int run_exec(const Globals& globals, Arguments arguments);
int run_run(const Globals& globals, Arguments arguments);
int run_spec(const Globals& globals, Arguments arguments);
int run_features(const Globals& globals, Arguments arguments);
int run_pause(const Globals& globals, Arguments arguments);
int run_resume(const Globals& globals, Arguments arguments);
int run_update(const Globals& globals, Arguments arguments);
int run_ps(const Globals& globals, Arguments arguments);
int run_events(const Globals& globals, Arguments arguments);
int run_config(const Globals& globals, Arguments arguments);
int run_translate(const Globals& globals, Arguments arguments);

inline constexpr std::array<Command, 17> kCommands{{
    {"create", "make a container; its process waits for `start`", run_create},
    {"start", "let the process of a created container run", run_start},
    {"run", "create and start, and stay until the process has ended", run_run},
    {"exec", "run a program in a container", run_exec},
    {"state", "print the state of a container as JSON", run_state},
    {"kill", "send a signal to the container process", run_kill},
    {"delete", "remove a container that does not run", run_delete},
    {"pause", "stop all processes of a container", run_pause},
    {"resume", "let the processes of a paused container go on", run_resume},
    {"update", "change the limits of a container", run_update},
    {"ps", "show the processes of a container", run_ps},
    {"events", "tell what a container uses, and when it runs out of memory", run_events},
    {"list", "list the containers", run_list},
    {"spec", "write a config.json to begin with", run_spec},
    {"features", "print what config.json may contain", run_features},
    {"config", "show the settings in force, and where each comes from", run_config},
    {"translate", "show what create would do with a bundle", run_translate},
}};

// Parses the arguments of one command; throws CLI::ParseError. Prints the help text where it is
// asked for, and throws CLI::Success then.
void parse(CLI::App& app, Arguments arguments);

}  // namespace lxcri::cmd
