#include "runtime/notify_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"
#include "runtime/container_dir.h"

namespace lxcri::runtime {

namespace {

constexpr const char* kSocket = "notify.sock";
// As systemd-notify(1) waits for a barrier.
constexpr int kBarrierMilliseconds = 30'000;

struct Address {
    sockaddr_un value{};
    socklen_t length = 0;
};

// "@name" is one in the abstract namespace: sd_notify(3), unix(7).
Address make_address(const std::string& path) {
    Address address;
    address.value.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.value.sun_path) {
        throw SystemError(ENAMETOOLONG, "socket address", path);
    }
    std::memcpy(address.value.sun_path, path.data(), path.size());
    if (path.starts_with('@')) address.value.sun_path[0] = '\0';
    address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                            (path.starts_with('@') ? 0 : 1));
    return address;
}

os::UniqueFd connect_to_manager(const std::string& manager) {
    os::UniqueFd socket(
        os::check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket AF_UNIX"));
    const Address address = make_address(manager);
    os::check(
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.value), address.length),
        "NOTIFY_SOCKET: connect", manager);
    return socket;
}

// The manager closes the descriptor when it has handled what came before: only then may we go away.
void wait_for_barrier(int socket) {
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd ours(ends[0]);
    os::UniqueFd theirs(ends[1]);
    const std::array fds{theirs.get()};
    if (!os::send_message(socket, "BARRIER=1", fds, true)) return;
    theirs.reset();
    pollfd wanted{ours.get(), POLLIN, 0};
    (void)os::retry([&] { return ::poll(&wanted, 1, kBarrierMilliseconds); });
}

bool says_ready(std::string_view message) {
    for (const auto& line : split(message, '\n')) {
        if (line == "READY=1") return true;
    }
    return false;
}

}  // namespace

std::string NotifySocket::make_directory(int container_dir_fd, const std::string& container_dir) {
    os::check(::mkdirat(container_dir_fd, kNotifyDirectory, 0755), "mkdir", kNotifyDirectory);
    return concat(container_dir, "/", kNotifyDirectory);
}

std::optional<NotifySocket> NotifySocket::listen(int container_dir_fd, const std::string& manager) {
    if (manager.empty()) return {};
    const auto directory = os::find_at(container_dir_fd, kNotifyDirectory, O_PATH | O_DIRECTORY);
    if (!directory) return {};
    os::UniqueFd socket(os::check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                                  "socket AF_UNIX"));
    const Address address =
        make_address(concat("/proc/self/fd/", std::to_string(directory->get()), "/", kSocket));
    os::check(
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.value), address.length),
        "bind", kSocket);
    // Any user of the container may write to it.
    os::check(::fchmodat(directory->get(), kSocket, 0777, 0), "chmod", kSocket);
    return NotifySocket(std::move(socket), connect_to_manager(manager));
}

bool NotifySocket::relay(pid_t main_pid) {
    // Whoever has ended can have left several; whoever sends without end is not waited for.
    constexpr int kMost = 64;
    for (int i = 0; i < kMost; ++i) {
        std::array<char, 4096> message{};
        const ssize_t length = ::recv(socket_.get(), message.data(), message.size(), 0);
        if (length < 0) return false;
        if (told_) continue;
        if (!says_ready({message.data(), static_cast<std::size_t>(length)})) continue;
        told_ = true;
        std::string text = "READY=1";
        if (main_pid != 0) text += concat("\nMAINPID=", std::to_string(main_pid));
        // A manager that has gone or does not read need not be told.
        (void)!::send(manager_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return true;
    }
    return false;
}

void NotifySocket::relay_until_ready(const os::ProcessRef& init) {
    while (true) {
        std::array<pollfd, 2> wanted{{{socket_.get(), POLLIN, 0}, {init.pidfd(), POLLIN, 0}}};
        os::check(os::retry([&] { return ::poll(wanted.data(), wanted.size(), -1); }), "poll");
        if (wanted[0].revents != 0 && relay(init.pid())) return wait_for_barrier(manager_.get());
        if (wanted[1].revents != 0) return;
    }
}

}  // namespace lxcri::runtime
