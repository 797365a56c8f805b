#include "helpers/ask_program.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::helpers {

ProgramAnswer ask_program(os::Command command) {
    // Not a pipe: what the program has started may hold that longer than the program lives.
    const os::UniqueFd output(
        os::check(::memfd_create("lxcri output", MFD_CLOEXEC), "memfd_create"));
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        command.descriptors.push_back({output.get(), fd});
    }
    auto program = os::spawn(command);
    const auto status = program.process().wait(os::Clock::now() + std::chrono::seconds(10));
    ProgramAnswer answer;
    answer.success = status && status->success();
    os::check(::lseek(output.get(), 0, SEEK_SET), "lseek");
    answer.text = os::read_all(output.get(), command.path);
    answer.text.resize(std::min(answer.text.find('\n'), answer.text.size()));
    if (answer.success || !answer.text.empty()) return answer;
    if (const auto failure = program.find_failure()) {
        answer.text = failure->what();
    } else {
        answer.text =
            concat(in_quotes(command.path), " ", status ? status->describe() : "does not end");
    }
    return answer;
}

ProgramAnswer ask_program(const std::string& path, std::vector<std::string> arguments) {
    os::Command command;
    command.path = path;
    command.arguments = std::move(arguments);
    command.arguments.insert(command.arguments.begin(), path);
    return ask_program(std::move(command));
}

}  // namespace lxcri::helpers
