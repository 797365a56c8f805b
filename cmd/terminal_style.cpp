#include "terminal_style.h"

#include <unistd.h>

#include <cstdlib>

#include "base/strings.h"

namespace lxcri::cmd {

Shown Style::wrap(std::string_view code, std::string_view text) const {
    Shown result(text);
    if (on_) result.text_ = concat("\x1b[", code, "m", result.text_, "\x1b[0m");
    return result;
}

Style style_of_stdout() {
    const char* terminal = ::getenv("TERM");
    const char* no_color = ::getenv("NO_COLOR");
    const bool is_plain = terminal == nullptr || std::string_view(terminal) == "dumb" ||
                          (no_color != nullptr && *no_color != '\0');
    return Style(!is_plain && ::isatty(STDOUT_FILENO) == 1);
}

}  // namespace lxcri::cmd
