#include "helpers/ask_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "os/check.h"
#include "os/file.h"
#include "os/spawn.h"

namespace lxcri::helpers {

ProgramAnswer ask_program(const std::string& path, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), path);
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd reader(ends[0]);
    os::UniqueFd writer(ends[1]);
    os::Command command;
    command.path = path;
    command.arguments = std::move(arguments);
    command.descriptors = {{writer.get(), STDOUT_FILENO}, {writer.get(), STDERR_FILENO}};
    auto program = os::spawn(command);
    writer.reset();
    std::string said = os::read_all(reader.get(), path);
    said.resize(std::min(said.find('\n'), said.size()));
    const auto status = program.process().wait(os::Clock::now() + std::chrono::seconds(10));
    return {status && status->success(), std::move(said)};
}

}  // namespace lxcri::helpers
