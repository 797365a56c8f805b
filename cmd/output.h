#pragma once
// The only way from lxcri to stdout and stderr (tests/checks/output.sh). Text is escaped on it, so
// that nothing from outside steers a terminal or looks like a line of ours.

#include <string>
#include <string_view>

namespace lxcri::cmd {

// Text that may be shown: escaped when it is made. Only a Style puts anything of its own around it.
class Shown {
  public:
    Shown(std::string_view text);  // NOLINT: a text is shown like this everywhere
    Shown(const std::string& text) : Shown(std::string_view(text)) {}
    Shown(const char* text) : Shown(std::string_view(text)) {}

    const std::string& text() const { return text_; }
    Shown& operator+=(const Shown& more);
    friend Shown operator+(Shown left, const Shown& right) { return left += right; }

  private:
    friend class Style;
    Shown() = default;

    std::string text_;
};

void show_line(const Shown& line);
// Several lines; each is escaped.
void show_lines(std::string_view text);
// As it is: for help and scripts, which have nothing from outside in them.
void show_own_words(std::string_view text);
// A valid document, or several, one on each line.
void show_json(std::string_view document);
// "lxcri: ..." on stderr.
void show_error(std::string_view message);

// Throws if not everything could be written: a command whose caller does not get its output must
// fail.
void flush_output();

}  // namespace lxcri::cmd
