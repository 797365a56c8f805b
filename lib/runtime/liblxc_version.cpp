#include "runtime/liblxc_version.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"

namespace lxcri::runtime {

namespace {

// Between fork and exec: nothing here allocates.
[[noreturn]] void become_lxcri_start(const char* path, int output) noexcept {
    if (::dup2(output, STDOUT_FILENO) != -1 && ::dup2(output, STDERR_FILENO) != -1) {
        os::reset_signals();
        std::array<char*, 4> arguments{const_cast<char*>("lxcri-start"), const_cast<char*>("check"),
                                       const_cast<char*>("liblxc"), nullptr};
        std::array<char*, 1> environment{nullptr};
        ::execve(path, arguments.data(), environment.data());
    }
    ::_exit(127);
}

// What lxcri-start says of its liblxc; what the dynamic linker says where there is none.
LiblxcAnswer ask(const std::string& path) {
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd reader(ends[0]);
    os::UniqueFd writer(ends[1]);
    auto child = os::fork_child();
    if (!child) become_lxcri_start(path.c_str(), writer.get());
    writer.reset();
    std::string said = os::read_all(reader.get(), "lxcri-start");
    said.resize(std::min(said.find('\n'), said.size()));
    const auto status = child->wait(os::Clock::now() + std::chrono::seconds(10));
    if (said.empty()) return {false, concat(in_quotes(path), " cannot be executed")};
    return {status && status->success(), std::move(said)};
}

}  // namespace

LiblxcAnswer ask_liblxc_version(const std::string& libexec_dir) {
    try {
        return ask(concat(libexec_dir, "/lxcri-start"));
    } catch (const SystemError& error) {
        return {false, error.what()};
    }
}

}  // namespace lxcri::runtime
