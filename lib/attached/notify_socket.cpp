#include "attached/notify_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/unix_socket.h"

namespace lxcri::attached {

namespace {

constexpr const char* kSocket = "notify.sock";
// As systemd-notify(1) waits for a barrier.
constexpr int kBarrierMilliseconds = 30'000;

os::UniqueFd bind_socket(const os::UniqueFd& directory) {
    os::UniqueFd socket(os::check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                                  "socket AF_UNIX"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path =
        concat("/proc/self/fd/", std::to_string(directory.get()), "/", kSocket);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    os::check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              "bind", kSocket);
    // Any user of the container may write to it.
    os::check(::fchmodat(directory.get(), kSocket, 0777, 0), "chmod", kSocket);
    return socket;
}

// The manager closes the descriptor when it has handled what came before: only then may we go away.
void wait_for_barrier(int socket) {
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd ours(ends[0]);
    os::UniqueFd theirs(ends[1]);
    const std::array fds{theirs.get()};
    if (!os::send_message(socket, "BARRIER=1", fds, os::WhenFull::give_up)) return;
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

std::optional<NotifySocket> NotifySocket::listen(int container_dir_fd,
                                                 const settings::Options& options) {
    if (options.notify_socket.empty()) return {};
    const auto directory = os::find_at(container_dir_fd, kNotifyDirectory, O_PATH | O_DIRECTORY);
    if (!directory) return {};
    os::UniqueFd manager;
    try {
        in_context("NOTIFY_SOCKET", [&] { manager = os::connect_datagram(options.notify_socket); });
    } catch (const SystemError& error) {
        options.warn(concat(error.what(), "; no notification is sent when the container is ready"));
        return {};
    }
    return NotifySocket(bind_socket(*directory), std::move(manager));
}

bool NotifySocket::relay(pid_t main_pid) {
    // A sender that has ended can have left several; one that sends without end is not waited for.
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

void NotifySocket::relay_until_ready(const os::ProcessRef& init, pid_t main_pid) {
    while (true) {
        std::array<pollfd, 2> wanted{{{socket_.get(), POLLIN, 0}, {init.pidfd(), POLLIN, 0}}};
        os::check(os::retry([&] { return ::poll(wanted.data(), wanted.size(), -1); }), "poll");
        if (wanted[0].revents != 0 && relay(main_pid)) return wait_for_barrier(manager_.get());
        if (wanted[1].revents != 0) return;
    }
}

}  // namespace lxcri::attached
