#pragma once
#include <string>
#include <vector>

namespace lxcri::helpers {

struct ProgramAnswer {
    bool success = false;  // exit status 0, within 10 seconds
    std::string text;      // the first line that it printed; "" if it could not be executed
};

// Runs a program that says something about itself. It gets no environment.
ProgramAnswer ask_program(const std::string& path, std::vector<std::string> arguments);

}  // namespace lxcri::helpers
