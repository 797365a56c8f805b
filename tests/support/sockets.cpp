#include "support/sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace lxcri::test {

namespace {

UniqueFd bind_socket(const std::filesystem::path& path, int type) {
    UniqueFd result(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    // A long path has no place in the address: from its directory.
    const UniqueFd directory(open(path.parent_path().c_str(), O_PATH | O_CLOEXEC));
    const std::string name =
        "/proc/self/fd/" + std::to_string(directory.get()) + "/" + path.filename().string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) throw std::runtime_error("too long a name");
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    if (bind(result.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot bind " + path.string());
    }
    return result;
}

NotifySocket::Message receive_message(int socket) {
    std::array<char, 4096> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
    iovec part{text.data(), text.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    NotifySocket::Message message;
    message.text.assign(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const cmsghdr* rights = CMSG_FIRSTHDR(&header);
    if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) return message;
    const auto count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
        message.fds.emplace_back(fd);
    }
    return message;
}

}  // namespace

ReceivingSocket::ReceivingSocket(std::filesystem::path path)
    : path_(std::move(path)), socket_(bind_socket(path_, SOCK_STREAM)) {
    if (listen(socket_.get(), 1) != 0) {
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
    auto received = receive_message(connection.get());
    Message message{std::move(received.text), {}};
    if (!received.fds.empty()) message.fd = std::move(received.fds.front());
    return message;
}

NotifySocket::NotifySocket(std::filesystem::path path)
    : path_(std::move(path)), socket_(bind_socket(path_, SOCK_DGRAM)) {}

NotifySocket::Message NotifySocket::receive(milliseconds timeout) const {
    if (!wait_readable(socket_.get(), static_cast<int>(timeout.count()))) {
        throw std::runtime_error("no message at " + path_.string());
    }
    return receive_message(socket_.get());
}

bool NotifySocket::has_message() const {
    return wait_readable(socket_.get(), 0);
}

}  // namespace lxcri::test
