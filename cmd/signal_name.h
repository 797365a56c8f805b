#pragma once

#include <string_view>

namespace lxcri::cmd {

// "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3" -> the number. Throws Error if it is not a signal.
int parse_signal(std::string_view text);

}  // namespace lxcri::cmd
