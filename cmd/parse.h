#pragma once
// The arguments of one command.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command.h"
#include "options.h"

namespace lxcri::cmd {

// Parses. Throws Error for what does not fit. If the help text is asked for, prints it and throws
// CLI::Success.
void parse(CLI::App& app, Arguments arguments);

// From the first word that is not an option on, the arguments are left as they are:
// app.remaining(). `words`: how the usage line names them.
void leave_words(CLI::App& app, std::string words);

struct OptionDescription {
    std::string flag;    // "--bundle"; "" for a word that stands for itself, as ID
    std::string letter;  // "-b" or ""
    bool has_value = false;
    std::string value;  // what the help text calls it
    std::string help;
    bool is_id = false;  // the name of a container
};

// What a command accepts, as it tells parse(); it does nothing else.
std::vector<OptionDescription> describe(const Command& command);

}  // namespace lxcri::cmd
