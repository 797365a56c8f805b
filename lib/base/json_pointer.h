#pragma once
#include <string>
#include <string_view>

namespace lxcri {

// One element of a JSON pointer, without the slash: RFC 6901 section 3.
std::string escape_pointer_token(std::string_view key);

}  // namespace lxcri
