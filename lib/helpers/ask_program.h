#pragma once
#include <string>
#include <vector>

#include "os/spawn.h"

namespace lxcri::helpers {

struct ProgramAnswer {
    bool success = false;  // exit status 0, within 10 seconds
    // The first line that it printed. If it printed none and failed: why it could not be executed,
    // or how it ended.
    std::string text;
};

// Runs a program that says something in one line. 0 to 2 are a file of our own; a program that does
// not end is killed.
ProgramAnswer ask_program(os::Command command);
// The same for one that says something about itself. It gets no environment.
ProgramAnswer ask_program(const std::string& path, std::vector<std::string> arguments);

}  // namespace lxcri::helpers
