#include "handoff/start_signal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "handoff/failure.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::handoff {

namespace {

constexpr char kGo = 'g';
// What begins a message of init.
constexpr char kExecuting = 'x';
constexpr char kFailed = 'f';  // the rest is the failure

// Returns nullopt if no process reads from it.
std::optional<os::UniqueFd> open_start_fifo(int directory_fd) {
    os::UniqueFd fd(
        ::openat(directory_fd, kStartFifo, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (fd.valid()) {
        struct stat status {};
        os::check(::fstat(fd.get(), &status), "fstat", kStartFifo);
        if (!S_ISFIFO(status.st_mode)) throw Error(concat(kStartFifo, " is not a FIFO"));
        return fd;
    }
    if (errno == ENXIO || errno == ENOENT) return {};
    throw SystemError(errno, "open", kStartFifo);
}

void write_quietly(int fd, std::string_view text) noexcept {
    // `start` may have been killed: then no process reads this.
    (void)!::write(fd, text.data(), text.size());
}

}  // namespace

StartFifos make_start_fifos(int directory_fd) {
    for (const char* name : {kStartFifo, kResultFifo}) {
        os::check(::mkfifoat(directory_fd, name, 0600), "mkfifo", name);
    }
    StartFifos fifos;
    // Read and write, so that a read waits although no process has opened it for writing yet.
    fifos.start = os::open_at(directory_fd, kStartFifo, O_RDWR);
    // A FIFO can be opened for writing only while a process has it open for reading.
    const os::UniqueFd reader = os::open_at(directory_fd, kResultFifo, O_RDONLY | O_NONBLOCK);
    fifos.result = os::open_at(directory_fd, kResultFifo, O_WRONLY);
    return fifos;
}

void wait_for_start(int start_fd) {
    char byte = 0;
    os::check(os::retry([&] { return ::read(start_fd, &byte, 1); }), "read", kStartFifo);
}

void say_executing(int result_fd) noexcept {
    write_quietly(result_fd, {&kExecuting, 1});
}

void say_failed(int result_fd, const std::exception& error) noexcept {
    static std::array<char, 65536> message;  // the stack may be small
    message[0] = kFailed;
    const std::size_t size = write_failure(std::span(message).subspan(1), error) + 1;
    write_quietly(result_fd, {message.data(), size});
}

bool is_waiting_for_start(int directory_fd) {
    return open_start_fifo(directory_fd).has_value();
}

void start_and_wait(int directory_fd, const os::ProcessRef& init, os::Deadline deadline) {
    const auto start = open_start_fifo(directory_fd);
    if (!start) throw StateError("the container has been started already");
    const os::UniqueFd result = os::open_at(directory_fd, kResultFifo, O_RDONLY | O_NONBLOCK);
    os::check(::write(start->get(), &kGo, 1), "write", kStartFifo);
    std::string told;
    std::array<pollfd, 2> wanted{{{result.get(), POLLIN, 0}, {init.pidfd(), POLLIN, 0}}};
    while (true) {
        const int ready = os::retry(
            [&] { return ::poll(wanted.data(), wanted.size(), os::poll_timeout(deadline)); });
        os::check(ready, "poll");
        if (ready == 0) {
            (void)init.signal(SIGKILL);
            throw Error("the process was not executed within the time that --start-timeout allows");
        }
        std::array<char, 4096> buffer{};
        const ssize_t got = ::read(result.get(), buffer.data(), buffer.size());
        if (got > 0) {
            told.append(buffer.data(), static_cast<std::size_t>(got));
            continue;
        }
        // 0: the exec has closed it, or init's death has. EAGAIN: only the pidfd woke us.
        if (got == 0 || (wanted[1].revents & POLLIN) != 0) break;
    }
    if (told.empty()) throw Error("the container's init died before it could start the process");
    // After kExecuting: the exec itself failed.
    const auto failed = told.front() == kFailed ? 0 : told.find(kFailed);
    if (failed != std::string::npos) throw_failure(std::string_view(told).substr(failed + 1));
}

}  // namespace lxcri::handoff
