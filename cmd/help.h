#pragma once
// The help texts.

#include <cstddef>
#include <string>
#include <string_view>

namespace lxcri::cmd {

// `lxcri --help`.
std::string help_text();

// A line of a help text, and those that continue it: `right` begins at `column`, and is broken at
// blanks.
std::string help_entry(const std::string& left, std::string_view right, std::size_t column);

// Below the options of one command: how it is used, line by line. "" if there is nothing to say.
std::string_view examples_of(std::string_view command);

}  // namespace lxcri::cmd
