#pragma once
// The options that all commands share. They stand before the command and are read without the
// library that reads those of the commands: that is most of what a quick command does.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "settings/options.h"

namespace lxcri::cmd {

struct GlobalArguments {
    std::map<std::string_view, std::string> settings;  // by name of the setting, as given
    std::string settings_file;                         // "": not given
    bool systemd_cgroup = false;
    bool version = false;
    bool help = false;
    std::vector<std::string> rest;  // the command and what is its
};

struct GlobalOption {
    std::string flag;       // "--root"
    char letter = 0;        // of "-h"; 0: none
    std::string_view word;  // what its value is called in the help text; "": it needs none
    std::string_view help;
    void (*take)(const GlobalOption& option, const std::string& value, GlobalArguments& arguments);
    std::string_view setting{};  // its name; "": it is none
};

// In the order of the help text.
std::vector<GlobalOption> global_options();

// Throws Error for an unknown option, and for a missing value.
GlobalArguments parse_globals(int argc, const char* const* argv);

// What the command line says about the settings.
void read_flags(const GlobalArguments& arguments, settings::Options& options);

}  // namespace lxcri::cmd
