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
    raw.c_oflag = before.c_oflag;  // lines are ended here: see keep_line_feeds()
    check(::tcsetattr(fd, TCSANOW, &raw), "tcsetattr");
    return RawTerminal(fd, before);
}

RawTerminal::~RawTerminal() {
    if (fd_ >= 0) (void)::tcsetattr(fd_, TCSANOW, &before_);
}

void keep_line_feeds(int fd) {
    termios settings{};
    check(::tcgetattr(fd, &settings), "tcgetattr");
    settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
    check(::tcsetattr(fd, TCSANOW, &settings), "tcsetattr");
}

void copy_own_window_size(int to) noexcept {
    for (int number = 0; number <= 2; ++number) {
        winsize size{};
        if (::ioctl(number, TIOCGWINSZ, &size) == -1) continue;
        (void)::ioctl(to, TIOCSWINSZ, &size);
        return;
    }
}

}  // namespace lxcri::os
