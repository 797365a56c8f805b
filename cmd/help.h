#pragma once
// What is shown to those who ask for help.

#include <string>
#include <string_view>

namespace lxcri::cmd {

// `lxcri --help`.
std::string help_text();

// Below the options of one command: how it is used, line by line. "" where nothing is to be said.
std::string_view examples_of(std::string_view command);

}  // namespace lxcri::cmd
