#pragma once
// The terminal that a person uses (termios(3), ioctl_tty(2)).

#include <termios.h>

#include <optional>

namespace lxcri::os {

// In raw mode while it lives: every key goes to the container, which has a terminal of its own to
// make sense of it. What comes from there is shown as ever.
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

// From now on the terminal passes a line feed on as it is, and makes no "\r\n" of it.
void keep_line_feeds(int fd);

// Gives the terminal `to` the size of ours: of the first of our descriptors 0, 1 and 2 that is a
// terminal. Nothing happens when none is.
void copy_own_window_size(int to) noexcept;

}  // namespace lxcri::os
