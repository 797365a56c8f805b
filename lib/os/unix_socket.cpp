#include "os/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

namespace {

constexpr timeval kPatience{10, 0};

}  // namespace

std::pair<UniqueFd, UniqueFd> make_seqpacket_pair() {
    std::array<int, 2> ends{};
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd connect_stream(const std::string& path) {
    // It may be longer than a socket address; it is opened, and its descriptor has a short path.
    const UniqueFd place = open_at(AT_FDCWD, path, O_PATH);
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket AF_UNIX"));
    check(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience),
          "setsockopt SO_SNDTIMEO");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto name = concat("/proc/self/fd/", std::to_string(place.get()));
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    check(retry([&] {
              return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                               sizeof address);
          }),
          "connect", path);
    return socket;
}

UniqueFd connect_datagram(const std::string& path) {
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket AF_UNIX"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const bool is_abstract = path.starts_with('@');
    const UniqueFd place = is_abstract ? UniqueFd() : open_at(AT_FDCWD, path, O_PATH);
    const auto name = is_abstract ? path : concat("/proc/self/fd/", std::to_string(place.get()));
    if (name.size() >= sizeof address.sun_path) throw SystemError(ENAMETOOLONG, "connect", path);
    std::memcpy(address.sun_path, name.data(), name.size());
    if (is_abstract) address.sun_path[0] = '\0';
    const auto length = offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1);
    check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(length)),
          "connect", path);
    return socket;
}

void accept_credentials(int socket) {
    const int on = 1;
    check(::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), "setsockopt SO_PASSCRED");
}

bool send_message(int socket, std::string_view data, std::span<const int> fds, WhenFull when_full) {
    if (fds.size() > kMaxMessageFds) throw Error("too many descriptors in one message");
    iovec part{const_cast<char*>(data.data()), data.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxMessageFds)> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!fds.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    const int flags = MSG_NOSIGNAL | (when_full == WhenFull::give_up ? MSG_DONTWAIT : 0);
    const ssize_t sent = retry([&] { return ::sendmsg(socket, &header, flags); });
    if (sent == -1 && when_full == WhenFull::give_up && errno == EAGAIN) return false;
    check(sent, "sendmsg");
    return true;
}

std::optional<Message> receive_message(int socket, std::size_t limit) {
    Message message;
    // Not filled with zeros: of the many pages most stay as they are.
    const auto buffer = std::make_unique_for_overwrite<char[]>(limit);
    iovec part{buffer.get(), limit};
    alignas(cmsghdr)
        std::array<char, CMSG_SPACE(sizeof(int) * kMaxMessageFds) + CMSG_SPACE(sizeof(ucred))>
            control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t length = -1;
    do {
        length = retry([&] { return ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC); });
        // ECONNRESET, once: the peer has gone and left something of ours unread. What it has said
        // before is still to be read.
    } while (length == -1 && errno == ECONNRESET);
    check(length, "recvmsg");
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
         item = CMSG_NXTHDR(&header, item)) {
        if (item->cmsg_level != SOL_SOCKET) continue;
        if (item->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
                message.fds.emplace_back(fd);
            }
        } else if (item->cmsg_type == SCM_CREDENTIALS) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(item), sizeof credentials);
            message.sender = credentials.pid;
        }
    }
    // MSG_CTRUNC: descriptors were lost, for example because the limit on open files is reached.
    if ((header.msg_flags & MSG_CTRUNC) != 0) throw SystemError(EMFILE, "recvmsg");
    if ((header.msg_flags & MSG_TRUNC) != 0) throw SystemError(EMSGSIZE, "recvmsg");
    if (length == 0) return {};  // EOF: we never send empty messages
    message.data.assign(buffer.get(), static_cast<std::size_t>(length));
    return message;
}

}  // namespace lxcri::os
