#pragma once
// Makes text from outside (names, strings of config.json, messages of the kernel, of liblxc, of
// hooks) safe to show to a person.

#include <string>
#include <string_view>

namespace lxcri {

// The text as one line, without characters that control a terminal or change the order of others.
// Written as \xNN: control characters, bytes that are not UTF-8, and characters that are invisible
// or change the order. All others stay, backslashes too: a second call changes nothing.
std::string printable(std::string_view text);

// The same for a valid JSON document: written as \uXXXX, so that every reader gets the same
// strings. The layout stays.
std::string printable_json(std::string_view document);

}  // namespace lxcri
