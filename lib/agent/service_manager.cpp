#include "agent/service_manager.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/strings.h"
#include "os/check.h"
#include "os/unix_socket.h"

namespace lxcri::agent {

namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

std::string take_variable(const char* name) {
    const char* value = ::getenv(name);
    std::string text = value == nullptr ? "" : value;
    (void)::unsetenv(name);
    return text;
}

}  // namespace

std::vector<PassedFd> take_passed_descriptors() {
    const auto pid = parse_integer<pid_t>(take_variable("LISTEN_PID"));
    const auto count = parse_integer<unsigned>(take_variable("LISTEN_FDS"));
    const auto names = split(take_variable("LISTEN_FDNAMES"), ':');
    std::vector<PassedFd> passed;
    if (pid != ::getpid() || !count) return passed;
    for (unsigned i = 0; i < *count; ++i) {
        const int fd = kFirst + static_cast<int>(i);
        os::check(::fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl F_SETFD");
        passed.push_back({i < names.size() ? names[i] : std::string(), os::UniqueFd(fd)});
    }
    return passed;
}

void ServiceManager::send(std::string_view text, std::span<const int> fds) const {
    if (socket_.empty()) return;
    const os::UniqueFd socket = os::connect_datagram(socket_);
    os::send_message(socket.get(), text, fds);
}

void ServiceManager::say_ready() const {
    send("READY=1", {});
}

void ServiceManager::keep(const std::string& name, std::span<const int> fds) const {
    send(concat("FDSTORE=1\nFDNAME=", name), fds);
}

void ServiceManager::forget(const std::string& name) const {
    send(concat("FDSTOREREMOVE=1\nFDNAME=", name), {});
}

}  // namespace lxcri::agent
