#include "support/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
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

bool wait_readable(int fd, int timeout_ms) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, timeout_ms) > 0;
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

ReceivingSocket::ReceivingSocket(std::filesystem::path path)
    : path_(std::move(path)), socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // A long path has no place in the address: from its directory.
    const UniqueFd directory(open(path_.parent_path().c_str(), O_PATH | O_CLOEXEC));
    const std::string name =
        "/proc/self/fd/" + std::to_string(directory.get()) + "/" + path_.filename().string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) throw std::runtime_error("too long a name");
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(socket_.get(), 1) != 0) {
        throw std::runtime_error("cannot listen at " + path_.string());
    }
}

bool ReceivingSocket::was_called() {
    return wait_readable(socket_.get(), 0);
}

ReceivingSocket::Message ReceivingSocket::receive(milliseconds timeout) {
    if (!wait_readable(socket_.get(), static_cast<int>(timeout.count()))) {
        throw std::runtime_error("no process has connected to " + path_.string());
    }
    const UniqueFd connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!wait_readable(connection.get(), static_cast<int>(timeout.count()))) {
        throw std::runtime_error("no message at " + path_.string());
    }
    std::array<char, 4096> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec part{text.data(), text.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = recvmsg(connection.get(), &header, MSG_CMSG_CLOEXEC);
    Message message;
    message.text.assign(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const cmsghdr* rights = CMSG_FIRSTHDR(&header);
    if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
        message.fd.reset(fd);
    }
    return message;
}

}  // namespace lxcri::test
