#pragma once
// What keeps text from outside (names, strings of config.json, words of the kernel, of liblxc, of
// hooks) from being more than text where a person reads it.

#include <string>
#include <string_view>

namespace lxcri {

// The text as one line that no terminal obeys and that stands in the order of its bytes. Written as
// \xNN: control characters, what is no UTF-8, and characters that are invisible or change the order
// of others. All else stays as it is, backslashes too: text that has been here does not change.
std::string printable(std::string_view text);

// The same for a document in JSON: \uXXXX, by which every reader gets the same string. Its layout
// stays, the document has to be valid.
std::string printable_json(std::string_view document);

}  // namespace lxcri
