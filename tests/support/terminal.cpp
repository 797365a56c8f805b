#include "support/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <stdexcept>

namespace lxcri::test {

namespace {

UniqueFd open_master() {
    UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master.valid() || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0) {
        throw std::runtime_error("no terminal");
    }
    return master;
}

UniqueFd open_slave(int master) {
    return UniqueFd(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

Keyboard::Keyboard(UniqueFd master) : master_(std::move(master)) {
    fcntl(master_.get(), F_SETFL, fcntl(master_.get(), F_GETFL) | O_NONBLOCK);
}

void Keyboard::take() {
    std::array<char, 16384> buffer;
    while (!ended_) {
        const ssize_t size = read(master_.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) {
            ended_ = true;  // EIO: the other side is closed
            return;
        }
        text_.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

void Keyboard::type(std::string_view text) {
    if (write(master_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("the terminal does not take what is typed");
    }
}

void Keyboard::resize(unsigned short rows, unsigned short columns) {
    const winsize size{rows, columns, 0, 0};
    ioctl(master_.get(), TIOCSWINSZ, &size);
}

void Keyboard::wait_for(std::string_view what, milliseconds timeout) {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        take();
        if (text_.find(what) != std::string::npos) return;
        const int left = milliseconds_left(begin, timeout);
        if (ended_ || left == 0) {
            throw std::runtime_error("waited for '" + std::string(what) + "' in the terminal, " +
                                     (ended_ ? "it ended" : "the time is over") + ", what came: '" +
                                     text_ + "'");
        }
        wait_readable(master_.get(), left);
    }
}

const std::string& Keyboard::wait_for_end(milliseconds timeout) {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        take();
        if (ended_) return text_;
        const int left = milliseconds_left(begin, timeout);
        if (left == 0) throw std::runtime_error("the terminal has no end, so far '" + text_ + "'");
        wait_readable(master_.get(), left);
    }
}

Terminal::Terminal() : keyboard(open_master()) {
    slave = open_slave(keyboard.fd());
    keyboard.resize(24, 80);
}

}  // namespace lxcri::test
