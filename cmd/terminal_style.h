#pragma once
// Colours and bold letters: only where a person looks at a terminal.

#include <string>
#include <string_view>

namespace lxcri::cmd {

class Style {
  public:
    explicit Style(bool on) : on_(on) {}
    std::string bold(std::string_view text) const { return wrap("1", text); }
    std::string green(std::string_view text) const { return wrap("32", text); }
    std::string yellow(std::string_view text) const { return wrap("33", text); }
    std::string red(std::string_view text) const { return wrap("31", text); }
    bool is_on() const { return on_; }

  private:
    std::string wrap(std::string_view code, std::string_view text) const;

    bool on_;
};

// On when it is a terminal that is not "dumb", and NO_COLOR (no-color.org) is not set.
Style style_of_stdout();

}  // namespace lxcri::cmd
