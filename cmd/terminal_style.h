#pragma once
// Colours and bold letters, only on a terminal.

#include <string_view>

#include "output.h"

namespace lxcri::cmd {

class Style {
  public:
    explicit Style(bool on) : on_(on) {}
    Shown bold(std::string_view text) const { return wrap("1", text); }
    Shown green(std::string_view text) const { return wrap("32", text); }
    Shown yellow(std::string_view text) const { return wrap("33", text); }
    Shown red(std::string_view text) const { return wrap("31", text); }
    bool is_on() const { return on_; }

  private:
    Shown wrap(std::string_view code, std::string_view text) const;

    bool on_;
};

// On when it is a terminal that is not "dumb", and NO_COLOR (no-color.org) is not set.
Style style_of_stdout();

}  // namespace lxcri::cmd
