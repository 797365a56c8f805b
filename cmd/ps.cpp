// The host's ps(1), which alone knows all its options, and of its lines those of the container.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "os/check.h"
#include "os/file.h"
#include "os/spawn.h"
#include "output.h"
#include "parse.h"
#include "runtime/operations.h"

namespace lxcri::cmd {

namespace {

using Pids = std::vector<pid_t>;

struct Values {
    Format format = Format::people;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"-f,--format", "FORMAT", "table: what ps(1) shows; json: an array of pids",
     [](Values& values, const std::string& text) {
         values.format = choose(kTableOrJson, "--format", text);
     }},
});

// Not by PATH: callers run us without one, and as root.
constexpr std::array kPlaces = {"/usr/bin/ps", "/bin/ps", "/usr/local/bin/ps",
                                "/run/current-system/sw/bin/ps"};

const char* find_ps() {
    for (const char* path : kPlaces) {
        if (::access(path, X_OK) == 0) return path;
    }
    throw Error(concat("ps(1) is not at ", kPlaces.front(),
                       ": the package procps has it; `--format json` does not need it"));
}

std::string run_ps(Arguments arguments) {
    os::Command command;
    command.path = find_ps();
    arguments.insert(arguments.begin(), "ps");
    command.arguments = std::move(arguments);
    command.environment = os::own_environment();
    std::array<int, 2> ends{};
    os::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const os::UniqueFd reader(ends[0]);
    os::UniqueFd writer(ends[1]);
    command.descriptors = {{writer.get(), STDOUT_FILENO}};
    auto program = os::spawn(command);
    program.wait_until_executed();
    writer.reset();
    std::string output = os::read_all(reader.get(), "the output of ps");
    const auto status = program.process().wait();
    if (!status->success()) throw Error(concat("ps ", status->describe()));
    return output;
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(std::move(word));
    return words;
}

void print_table(const std::string& output, const Pids& pids) {
    const auto lines = split(output, '\n');
    const auto heading = words_of(lines.front());
    const auto column = std::find(heading.begin(), heading.end(), "PID") - heading.begin();
    const auto index = static_cast<std::size_t>(column);
    if (index == heading.size()) {
        throw Error("ps: the output has no column PID, which shows the container's processes");
    }
    show_line(lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto words = words_of(lines[i]);
        if (index >= words.size()) continue;
        const auto pid = parse_integer<pid_t>(words[index]);
        if (pid && std::binary_search(pids.begin(), pids.end(), *pid)) show_line(lines[i]);
    }
}

void print_json(const Pids& pids) {
    std::string text;
    for (const pid_t pid : pids) text += concat(text.empty() ? "" : ",", std::to_string(pid));
    show_json(concat("[", text, "]"));
}

}  // namespace

int run_ps(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Show the processes of a container, as the host sees them.\n"
        "The arguments after the ID are for ps(1); the default is `-ef`.",
        "lxcri ps");
    Values values;
    parser.leave_words("ID [PS-OPTION...]");
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    Arguments rest = parser.remaining();
    if (rest.empty()) throw Error("ID: missing; it is the name of the container");
    const std::string id = rest.front();
    rest.erase(rest.begin());
    const Pids pids = runtime::processes(common, id);
    if (values.format == Format::json) {
        print_json(pids);
        return EXIT_SUCCESS;
    }
    if (rest.empty()) rest = {"-ef"};
    print_table(run_ps(std::move(rest)), pids);
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
