#include "attached/terminal_relay.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"

namespace lxcri::attached {

namespace {

// How much is read before the reader has taken it.
constexpr std::size_t kBuffer = 64U << 10U;
// What poll(2) promises room for: PIPE_BUF of a pipe, WAKEUP_CHARS of a terminal.
constexpr std::size_t kSafeWrite = 256;
// When the process has ended: how much of what it has written can still be on its way, more than a
// terminal holds; how long it may take to read it, and how long it may stay unread.
constexpr std::size_t kLastWords = 256U << 10U;
constexpr std::chrono::seconds kLongestDrain{10};
constexpr std::chrono::seconds kPatience{1};

// A description of its own, so that O_NONBLOCK is not also set for those that share ours with us.
// A file needs none, and would lose its offset. Invalid where that is not possible.
os::UniqueFd open_unblocking(int fd) {
    struct stat status {};
    const bool can_block =
        ::fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
    if (!can_block) return {};
    const std::string path = concat("/proc/self/fd/", std::to_string(fd));
    return os::UniqueFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

// False at the end of `from`.
bool append_from(int from, std::string& to) {
    std::array<char, 16384> buffer{};
    const ssize_t length = ::read(from, buffer.data(), buffer.size());
    if (length > 0) to.append(buffer.data(), static_cast<std::size_t>(length));
    return length > 0 || (length == -1 && (errno == EAGAIN || errno == EINTR));
}

// Returns false if `to` takes nothing any more.
bool take_from(std::string& from, int to, std::size_t most) {
    const ssize_t length = ::write(to, from.data(), std::min(from.size(), most));
    if (length > 0) from.erase(0, static_cast<std::size_t>(length));
    return length >= 0 || errno == EAGAIN || errno == EINTR;
}

}  // namespace

TerminalRelay::TerminalRelay(os::UniqueFd master)
    : master_(std::move(master)),
      slave_(::ioctl(master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)),
      output_(open_unblocking(STDOUT_FILENO)),
      raw_(os::RawTerminal::make(STDIN_FILENO)) {
    largest_write_ = output_.valid() ? kBuffer : kSafeWrite;
    if (!output_.valid()) output_ = os::duplicate(STDOUT_FILENO);
    const int flags = os::check(::fcntl(master_.get(), F_GETFL), "fcntl F_GETFL");
    os::check(::fcntl(master_.get(), F_SETFL, flags | O_NONBLOCK), "fcntl F_SETFL");
}

std::array<pollfd, 3> TerminalRelay::interest() const {
    const bool wants_input = input_open_ && master_open_ && to_master_.size() < kBuffer;
    const bool has_room = !output_open_ || to_output_.size() < kBuffer;
    short events = has_room ? POLLIN : 0;
    if (!to_master_.empty()) events |= POLLOUT;
    return {{{wants_input ? STDIN_FILENO : -1, POLLIN, 0},
             {master_open_ && events != 0 ? master_.get() : -1, events, 0},
             {output_open_ && !to_output_.empty() ? output_.get() : -1, POLLOUT, 0}}};
}

void TerminalRelay::transfer(const std::array<pollfd, 3>& ready) {
    if (ready[0].fd >= 0 && ready[0].revents != 0) read_input();
    if (ready[1].fd >= 0 && (ready[1].revents & POLLOUT) != 0) write_master();
    if (ready[1].fd >= 0 && (ready[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_master();
    if (ready[2].fd >= 0 && ready[2].revents != 0) write_output();
}

void TerminalRelay::read_input() {
    const std::size_t before = to_master_.size();
    input_open_ = append_from(STDIN_FILENO, to_master_);
    if (to_master_.size() > before) last_input_ = to_master_.back();
    if (!input_open_) pass_end_of_input();
}

// On a terminal that is a key (termios(3), VEOF), which first of all ends a line that has begun. It
// is lost when it comes before a shell has switched the terminal to its line editor, or back for a
// program: so again when that has happened. A switch and back between our look and the write does
// not show, so the key is repeated a few times where something comes after it; not more often,
// because a program may answer each key.
void TerminalRelay::pass_end_of_input() {
    termios settings{};
    if (::tcgetattr(master_.get(), &settings) == -1) return;
    const char key = static_cast<char>(settings.c_cc[VEOF]);
    if (key == _POSIX_VDISABLE) return;
    const End now = (settings.c_lflag & ICANON) != 0 ? End::to_lines : End::to_keys;
    if (now == end_) {
        if (now != End::to_keys || repeats_ == 0) return;
        --repeats_;
    }
    const bool in_line = end_ == End::not_yet && now == End::to_lines && last_input_ != '\n';
    to_master_.append(in_line ? 2 : 1, key);
    end_ = now;
}

void TerminalRelay::write_master() {
    if (!take_from(to_master_, master_.get(), kBuffer)) to_master_.clear();
}

// EIO: no process has the other side open any more (pty(7)).
void TerminalRelay::read_master() {
    master_open_ = append_from(master_.get(), to_output_);
    if (!input_open_) pass_end_of_input();
    if (!output_open_) to_output_.clear();
}

void TerminalRelay::write_output() {
    output_open_ = take_from(to_output_, output_.get(), largest_write_);
    if (!output_open_) to_output_.clear();
}

void TerminalRelay::follow_window_size() noexcept {
    os::copy_own_window_size(master_.get());
}

void TerminalRelay::drain() {
    // What others in the container still write is not ours to wait for.
    const std::size_t most = to_output_.size() + kLastWords;
    pollfd more{master_.get(), POLLIN, 0};
    while (master_open_ && to_output_.size() < most && ::poll(&more, 1, 0) > 0) read_master();

    const auto end = os::Clock::now() + kLongestDrain;
    while (output_open_ && !to_output_.empty()) {
        pollfd room{output_.get(), POLLOUT, 0};
        const auto limit = std::min(end, os::Clock::now() + kPatience);
        const int ready = os::retry([&] { return ::poll(&room, 1, os::poll_timeout(limit)); });
        if (ready <= 0 || os::Clock::now() >= end) return;
        write_output();
    }
}

}  // namespace lxcri::attached
