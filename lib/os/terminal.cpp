#include "os/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "os/check.h"

namespace lxcri::os {

std::optional<RawTerminal> RawTerminal::make(int fd) {
    termios before{};
    if (::tcgetattr(fd, &before) == -1) return {};
    termios raw = before;
    ::cfmakeraw(&raw);
    check(::tcsetattr(fd, TCSANOW, &raw), "tcsetattr");
    return RawTerminal(fd, before);
}

RawTerminal::~RawTerminal() {
    if (fd_ >= 0) (void)::tcsetattr(fd_, TCSANOW, &before_);
}

void copy_window_size(int from, int to) noexcept {
    winsize size{};
    if (::ioctl(from, TIOCGWINSZ, &size) == 0) (void)::ioctl(to, TIOCSWINSZ, &size);
}

}  // namespace lxcri::os
