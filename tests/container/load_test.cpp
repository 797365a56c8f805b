// What takes minutes: a thousand containers alive, and all commands at once on one container. Run
// when asked for: `./dev test load`.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

constexpr auto kLongest = std::chrono::seconds(90);

// Smaller numbers for a first look: LXCRI_TEST_ROUNDS.
int rounds(int usual) {
    const char* text = std::getenv("LXCRI_TEST_ROUNDS");
    return text == nullptr ? usual : std::atoi(text);
}

// A command whose output is a file: init, which has it too, does not make it wait.
struct Command {
    explicit Command(const Strings& line)
        : words(line),
          error(::memfd_create("stderr", MFD_CLOEXEC)),
          null(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
        CommandOptions options;
        options.fds = {{null.get(), 1}, {error.get(), 2}};
        options.timeout = kLongest;
        process = std::make_unique<Process>(line, options);
    }
    std::string said() const {
        std::string text(4096, '\0');
        const ssize_t size = ::pread(error.get(), text.data(), text.size(), 0);
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return text;
    }

    Strings words;
    UniqueFd error;
    UniqueFd null;
    std::unique_ptr<Process> process;
};

std::vector<pid_t> children() {
    std::vector<pid_t> pids;
    const std::string self = std::to_string(getpid());
    for (const auto& word : split(read_file("/proc/self/task/" + self + "/children"), ' ')) {
        pids.push_back(static_cast<pid_t>(std::stol(word)));
    }
    return pids;
}

// Until these have ended. A caller of `exec --detach` must reap the processes that it leaves, also
// while a `delete --force` runs: the first process of a pid namespace ends after all others have
// been reaped.
void wait_for(const std::vector<Command>& commands) {
    const auto is_command = [&](pid_t pid) {
        return std::any_of(commands.begin(), commands.end(),
                           [&](const Command& command) { return command.process->pid() == pid; });
    };
    std::set<pid_t> ended;
    while (ended.size() < commands.size()) {
        std::vector<pid_t> pids;
        std::vector<UniqueFd> pidfds;
        std::vector<pollfd> waits;
        for (const pid_t pid : children()) {
            if (ended.contains(pid)) continue;
            pids.push_back(pid);
            pidfds.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
            waits.push_back({pidfds.back().get(), POLLIN, 0});
        }
        const milliseconds longest = kLongest;
        REQUIRE(poll(waits.data(), waits.size(), static_cast<int>(longest.count())) > 0);
        for (std::size_t i = 0; i < waits.size(); ++i) {
            if (waits[i].revents == 0) continue;
            if (is_command(pids[i])) {
                ended.insert(pids[i]);
            } else {
                REQUIRE(waitpid(pids[i], nullptr, 0) == pids[i]);
            }
        }
    }
}

}  // namespace

TEST_CASE("load: a thousand containers alive", "[.][load][slow]") {
    NEEDS(need_runtime());
    const int count = rounds(1000);
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    box.bundle.args({"trap", "TERM", "0"});
    Strings ids;
    CreateOptions quiet;
    quiet.quiet = true;
    for (int i = 0; i < count; ++i) {
        Container container = box.create(quiet);
        // Half of them stay created.
        if (i % 2 == 0) container.start();
        ids.push_back(container.id());
    }
    CommandOptions patient;
    patient.timeout = kLongest;
    CHECK(lines_of(box.call({"list", "-q"}, patient).out).size() == ids.size());
    const Json states = Json::parse(box.call({"list", "--format", "json"}, patient).out);
    std::size_t running = 0;
    for (const Json& state : states) running += state.at("status") == "running" ? 1U : 0U;
    CHECK(running == (ids.size() + 1) / 2);
    // One command of each kind, with all the others there.
    CHECK(box.call({"exec", ids.front(), "/probe", "true"}).code() == 0);
    CHECK(box.call({"pause", ids.front()}).code() == 0);
    CHECK(box.call({"resume", ids.front()}).code() == 0);
    CHECK(box.call({"update", "--pids-limit", "50", ids.front()}).code() == 0);
    CHECK(box.call({"events", "--stats", ids.front()}).code() == 0);
    CHECK(box.call({"start", ids.back()}).code() == (count % 2 == 0 ? 0 : 1));
    for (const std::string& id : ids) REQUIRE(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("load: all commands at once on one container, hundreds of times",
          "[.][load][slow][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"sleep"});
    box.bundle.linux()["resources"]["pids"]["limit"] = 200;
    box.bundle.write();
    const std::string id = box.new_id();
    const Strings create{"--bundle", box.bundle.path(), id};
    const std::vector<Strings> commands{
        {"create", create[0], create[1], id},
        {"run", "--detach", create[0], create[1], id},
        {"start", id},
        {"start", id},
        {"state", id},
        {"list"},
        {"pause", id},
        {"resume", id},
        {"--create-timeout", "2", "exec", id, "/probe", "true"},
        {"--create-timeout", "2", "exec", "--detach", id, "/probe", "true"},
        {"kill", id, "TERM"},
        {"kill", "--all", id, "KILL"},
        {"delete", id},
        {"delete", "--force", id},
        {"update", "--pids-limit", "100", id},
        {"ps", "--format", "json", id},
        {"events", "--stats", id},
        {"inspect", id}};
    std::minstd_rand random(1);
    for (int round = 0; round < rounds(300); ++round) {
        std::vector<Command> running;
        for (int i = 0; i < 6; ++i) {
            running.emplace_back(box.command_line(commands[random() % commands.size()]));
        }
        wait_for(running);
        for (Command& command : running) {
            CAPTURE(round, command.words);
            const int code = command.process->wait_exit_only().code();
            const std::string said = command.said();
            CAPTURE(code, said);
            // An exit status, no signal; and an error is one line that says something.
            REQUIRE(code >= 0);
            // Or the status of the program of an `exec`, which a kill has met.
            constexpr int kKilled = 128 + SIGKILL;
            const bool says_nothing = code == 0 || code == kKilled;
            CHECK(lines_of(said).size() == (says_nothing ? 0U : 1U));
        }
        // From time to time from the beginning, whatever it has become.
        if (round % 10 == 9) {
            std::vector<Command> removal;
            removal.emplace_back(box.command_line({"delete", "--force", id}));
            wait_for(removal);
            CAPTURE(round, removal.front().said());
            REQUIRE(removal.front().process->wait_exit_only().code() == 0);
            REQUIRE(names_in(box.root()) == Strings{});
        }
    }
    CHECK(box.call({"delete", "--force", id}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}
