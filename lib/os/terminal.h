#pragma once
// The terminal that a person uses (termios(3), ioctl_tty(2)).

#include <termios.h>

#include <optional>

namespace lxcri::os {

// A terminal in raw mode while this object lives: every key goes to the container, whose own
// terminal interprets it. Output is shown as before.
class RawTerminal {
  public:
    // Returns nullopt if `fd` is not a terminal.
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
// terminal. Does nothing if none is.
void copy_own_window_size(int to) noexcept;

}  // namespace lxcri::os
