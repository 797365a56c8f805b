#pragma once
// Code that must not happen to the test program itself: limits, dispositions, namespaces.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "os/process.h"

namespace lxcri::test {

// Runs `action` in a child and returns the text that it returned; "exception: ..." when it threw,
// "signal N" when it was killed. It has 20 seconds. Assertions belong into the parent.
template <class Action>
std::string in_child(Action&& action) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "pipe2 failed";
    const pid_t pid = ::fork();
    if (pid == 0) {
        lxcri::os::reset_signals();  // Catch's handlers are not for a child
        ::alarm(20);
        // Out of the way of tests that count or overwrite descriptors.
        const int result = ::fcntl(ends[1], F_DUPFD, 200);
        ::close(ends[0]);
        ::close(ends[1]);
        std::string text;
        try {
            text = action();
        } catch (const std::exception& error) {
            text = std::string("exception: ") + error.what();
        }
        (void)!::write(result, text.data(), text.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return "fork or waitpid failed";
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return text;
}

// How many descriptors this process has open.
inline std::size_t count_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd")) {
        ++count;
    }
    return count - 1;  // that of the iterator
}

}  // namespace lxcri::test
