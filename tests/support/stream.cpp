#include "support/stream.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace lxcri::test {

int milliseconds_left(std::chrono::steady_clock::time_point begin, milliseconds timeout) {
    const auto passed =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    return static_cast<int>(std::max(milliseconds{0}, timeout - passed).count());
}

Stream::Stream() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) throw std::runtime_error("pipe2");
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
    fcntl(read_end_.get(), F_SETFL, O_NONBLOCK);
    // So that a container may say a lot before it is read.
    fcntl(write_end_.get(), F_SETPIPE_SZ, 1 << 20);
}

void Stream::take() {
    std::array<char, 16384> buffer;
    while (!ended_) {
        const ssize_t size = read(read_end_.get(), buffer.data(), buffer.size());
        if (size < 0) return;
        if (size == 0) ended_ = true;
        text_.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

void Stream::wait_for(std::string_view what, milliseconds timeout) {
    close_write_end();
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        take();
        if (text_.find(what) != std::string::npos) return;
        const int left = milliseconds_left(begin, timeout);
        if (ended_ || left == 0) {
            throw std::runtime_error("waited for '" + std::string(what) + "', " +
                                     (ended_ ? "the output ended" : "the time is over") +
                                     ", what came: '" + text_ + "'");
        }
        pollfd wait{read_end_.get(), POLLIN, 0};
        poll(&wait, 1, left);
    }
}

const std::string& Stream::wait_for_end(milliseconds timeout) {
    close_write_end();
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        take();
        if (ended_) return text_;
        const int left = milliseconds_left(begin, timeout);
        if (left == 0) {
            throw std::runtime_error("the output has no end: a process still holds it, so far '" +
                                     text_ + "'");
        }
        pollfd wait{read_end_.get(), POLLIN, 0};
        poll(&wait, 1, left);
    }
}

bool wait_readable(int fd, int timeout_ms) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, timeout_ms) > 0;
}

}  // namespace lxcri::test
