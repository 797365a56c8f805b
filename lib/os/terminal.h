#pragma once
// The terminal that somebody sits at (termios(3), ioctl_tty(2)).

#include <termios.h>

#include <optional>

namespace lxcri::os {

// In raw mode while it lives: every key goes to the container, which has a terminal of its own to
// make sense of it.
class RawTerminal {
  public:
    // Nothing when `fd` is no terminal.
    static std::optional<RawTerminal> make(int fd);
    RawTerminal(RawTerminal&& other) noexcept : fd_(other.fd_), before_(other.before_) {
        other.fd_ = -1;
    }
    RawTerminal& operator=(RawTerminal&&) = delete;
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal();

  private:
    RawTerminal(int fd, const termios& before) : fd_(fd), before_(before) {}
    int fd_;
    termios before_;
};

// Gives `to` the size of the terminal `from`; nothing happens when either is none.
void copy_window_size(int from, int to) noexcept;

}  // namespace lxcri::os
