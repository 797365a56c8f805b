#include "helpers/ask_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "os/check.h"
#include "os/file.h"
#include "os/process.h"

namespace lxcri::helpers {

namespace {

// Between fork and exec: nothing here allocates.
[[noreturn]] void become(const char* path, char** arguments, int output) noexcept {
    if (::dup2(output, STDOUT_FILENO) != -1 && ::dup2(output, STDERR_FILENO) != -1) {
        os::reset_signals();
        std::array<char*, 1> environment{nullptr};
        ::execve(path, arguments, environment.data());
    }
    ::_exit(127);
}

}  // namespace

ProgramAnswer ask_program(const std::string& path, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), path);
    std::vector<char*> words;
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd reader(ends[0]);
    os::UniqueFd writer(ends[1]);
    auto child = os::fork_child();
    if (!child) become(path.c_str(), words.data(), writer.get());
    writer.reset();
    std::string said = os::read_all(reader.get(), path);
    said.resize(std::min(said.find('\n'), said.size()));
    const auto status = child->wait(os::Clock::now() + std::chrono::seconds(10));
    return {status && status->success(), std::move(said)};
}

}  // namespace lxcri::helpers
