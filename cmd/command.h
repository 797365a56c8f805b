#pragma once
// The commands. Each has its file: it declares its arguments, makes one call of runtime/, prints.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/options.h"

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
int run_translate(const Globals& globals, Arguments arguments);

inline constexpr std::array<Command, 9> kCommands{{
    {"create", "make a container; its process waits for `start`", run_create},
    {"start", "let the process of a created container run", run_start},
    {"run", "create and start, and stay until the process has ended", run_run},
    {"exec", "run a program in a container", run_exec},
    {"state", "print the state of a container as JSON", run_state},
    {"kill", "send a signal to the container process", run_kill},
    {"delete", "remove a container that does not run", run_delete},
    {"list", "list the containers", run_list},
    {"translate", "show what create would do with a bundle", run_translate},
}};

// Parses the arguments of one command; throws CLI::ParseError. Prints the help text where it is
// asked for, and throws CLI::Success then.
void parse(CLI::App& app, Arguments arguments);

}  // namespace lxcri::cmd
