#include "output.h"

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/printable.h"
#include "base/strings.h"

namespace lxcri::cmd {

Shown::Shown(std::string_view text) : text_(printable(text)) {}

Shown& Shown::operator+=(const Shown& more) {
    text_ += more.text_;
    return *this;
}

void show_line(const Shown& line) {
    std::puts(line.text().c_str());
}

void show_lines(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    for (const auto& line : split(text, '\n')) show_line(line);
}

void show_own_words(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void show_json(std::string_view document) {
    std::puts(printable_json(document).c_str());
}

void show_error(std::string_view message) {
    // In one piece: stderr may be shared with the container and with other programs.
    std::fputs(concat("lxcri: ", printable(message), "\n").c_str(), stderr);
}

void flush_output() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
    throw SystemError(errno, "write", "stdout");
}

}  // namespace lxcri::cmd
