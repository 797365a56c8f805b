#pragma once
// The help texts.

#include <string>
#include <string_view>

namespace lxcri::cmd {

// `lxcri --help`.
std::string help_text();

// Below the options of one command: how it is used, line by line. "" if there is nothing to say.
std::string_view examples_of(std::string_view command);

}  // namespace lxcri::cmd
