// What descriptors the container process gets: 0, 1 and 2 as the caller gave them, and no others
// unless asked for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;

namespace {

Strings numbers_of(const std::string& output) {
    Strings numbers;
    for (const std::string& line : lines_of(output)) {
        numbers.push_back(line.substr(0, line.find(' ')));
    }
    return numbers;
}

UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600) {
    return UniqueFd(open(path.c_str(), flags | O_CLOEXEC, mode));
}

}  // namespace

TEST_CASE("descriptors: the program has 0, 1 and 2", "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(numbers_of(box.life({"fds"}).out) == Strings{"0", "1", "2"});
}

TEST_CASE("descriptors: those that the caller leaks do not arrive", "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    const UniqueFd leaked = open_file("/etc/passwd", O_RDONLY);
    CreateOptions options;
    for (const int number : {3, 4, 5, 9, 17})
        options.command.fds.emplace_back(leaked.get(), number);
    CHECK(numbers_of(box.life({"fds"}, options).out) == Strings{"0", "1", "2"});
}

TEST_CASE("descriptors: init itself holds nothing of the caller's before start",
          "[descriptors][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const UniqueFd leaked = open_file("/etc/passwd", O_RDONLY);
    CreateOptions options;
    for (const int number : {3, 4, 7}) options.command.fds.emplace_back(leaked.get(), number);
    Container container = box.create(options);
    const std::string folder = "/proc/" + std::to_string(container.pid()) + "/fd/";
    for (const std::string& name : names_in(folder)) {
        std::error_code error;
        CHECK(std::filesystem::read_symlink(folder + name, error) != "/etc/passwd");
    }
}

TEST_CASE("descriptors: --preserve-fds passes those behind 2", "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "three", "text of three\n");
    const UniqueFd three = open_file(box / "three", O_RDONLY);
    Stream four;
    CreateOptions options;
    options.flags = {"--preserve-fds", "2"};
    options.command.fds = {{three.get(), 3}, {four.write_end(), 4}, {three.get(), 5}};
    const Outcome outcome =
        box.life({"readfd", "3", "--", "writefd", "4", "through four", "--", "fds"}, options);
    CHECK(contains(outcome.out, "text of three\n"));
    CHECK(four.wait_for_end() == "through four\n");
    const Strings numbers = numbers_of(outcome.out);
    CHECK(Strings(numbers.begin() + 1, numbers.end()) == Strings{"0", "1", "2", "3", "4"});
}

TEST_CASE("descriptors: --preserve-fds of one that is not open is an error",
          "[descriptors][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.flags = {"--preserve-fds", "2"};
    const UniqueFd three = open_file("/dev/null", O_RDONLY);
    options.command.fds = {{three.get(), 3}};
    Container container = box.try_create(options);
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("descriptors: LISTEN_FDS are passed, with LISTEN_PID of the container",
          "[descriptors][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "three", "text of three\n");
    const UniqueFd three = open_file(box / "three", O_RDONLY);
    Stream out;
    CommandOptions options;
    const UniqueFd null = open_file("/dev/null", O_WRONLY);
    options.fds = {{out.write_end(), 1}, {null.get(), 2}, {three.get(), 3}};
    options.environment = Strings{"PATH=/usr/bin:/bin", "LISTEN_FDS=1"};
    box.bundle.args({"readfd", "3", "--", "env"}).write();
    const std::string id = box.new_id();
    // LISTEN_PID is the pid of the program that the descriptors are for.
    Strings command = {"/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"};
    for (const std::string& word : box.command_line(
             {"create", "--bundle", box.bundle.path(), "--pid-file", box / "pid", id})) {
        command.push_back(word);
    }
    REQUIRE(run_command(command, options).code() == 0);
    const pid_t pid = std::stoi(read_file(box / "pid"));
    REQUIRE(box.call({"start", id}).code() == 0);
    CHECK(describe_status(wait_for_child(pid)) == "exit 0");
    const std::string text = out.wait_for_end();
    CHECK(contains(text, "text of three\n"));
    CHECK(has_line(text, "LISTEN_FDS=1"));
    CHECK(has_line(text, "LISTEN_PID=1"));
}

TEST_CASE("descriptors: LISTEN_FDS for another process, or empty, pass nothing",
          "[descriptors][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "three", "text of three\n");
    const UniqueFd three = open_file(box / "three", O_RDONLY);
    CreateOptions options;
    options.command.fds = {{three.get(), 3}};
    options.command.environment = Strings{"PATH=/usr/bin:/bin"};
    auto& variables = *options.command.environment;
    if (GENERATE(true, false)) {
        variables.insert(variables.end(), {"LISTEN_FDS=1", "LISTEN_PID=1"});
    } else {
        variables.emplace_back("LISTEN_FDS=");
    }
    const Outcome outcome = box.life({"fds", "--", "env"}, options);
    CHECK(outcome.code == 0);
    CHECK_FALSE(contains(outcome.out, "three"));
    CHECK_FALSE(contains(outcome.out, "LISTEN_FDS"));
}

TEST_CASE("descriptors: files on stdin, stdout and stderr keep their mode", "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "in", "input", 0640);
    const UniqueFd in = open_file(box / "in", O_RDONLY);
    const UniqueFd out = open_file(box / "out", O_WRONLY | O_CREAT, 0604);
    const UniqueFd err = open_file(box / "err", O_WRONLY | O_CREAT, 0640);
    CreateOptions options;
    options.quiet = true;
    options.command.fds = {{in.get(), 0}};
    box.bundle.args({"stdin", "--", "error", "problem", "--", "fdstat", "0", "1", "2"});
    box.bundle.write();
    const std::string id = box.new_id();
    CommandOptions command;
    command.fds = {{in.get(), 0}, {out.get(), 1}, {err.get(), 2}};
    REQUIRE(
        box.call({"create", "--bundle", box.bundle.path(), "--pid-file", box / "pid", id}, command)
            .code() == 0);
    const pid_t pid = std::stoi(read_file(box / "pid"));
    REQUIRE(box.call({"start", id}).code() == 0);
    CHECK(describe_status(wait_for_child(pid)) == "exit 0");
    const std::string text = read_file(box / "out");
    CHECK(contains(text, "input"));
    CHECK(contains(text, "0 file 0640 "));
    CHECK(contains(text, "1 file 0604 "));
    CHECK(contains(text, "2 file 0640 "));
    CHECK(read_file(box / "err") == "problem\n");
    for (const auto& [name, mode] : {std::pair{"in", 0640u}, {"out", 0604u}, {"err", 0640u}}) {
        struct stat info {};
        REQUIRE(stat((box / name).c_str(), &info) == 0);
        CHECK((info.st_mode & 07777u) == mode);
    }
}

TEST_CASE("descriptors: /dev/null of the caller is not changed", "[descriptors]") {
    NEEDS(need_runtime());
    struct stat before {};
    REQUIRE(stat("/dev/null", &before) == 0);
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    CreateOptions options;
    options.quiet = true;
    box.bundle.args({"true"});
    Container container = box.create(options);
    container.start();
    CHECK(container.wait_code() == 0);
    struct stat after {};
    REQUIRE(stat("/dev/null", &after) == 0);
    CHECK(before.st_mode == after.st_mode);
    CHECK(before.st_uid == after.st_uid);
}

TEST_CASE("descriptors: a program of another user can reopen its stdout", "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    const Outcome outcome = box.life({"open", "/proc/self/fd/1", "w"});
    CHECK(outcome.out == "open /proc/self/fd/1: ok\n");
}

TEST_CASE("descriptors: start, state, kill and delete hold nothing of their caller",
          "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    // Process::wait() fails if a process that lives on holds stdout or stderr.
    CHECK(box.call({"start", container.id()}).code() == 0);
    container.out().wait_for("ready");
    CHECK(box.call({"state", container.id()}).code() == 0);
    CHECK(box.call({"kill", container.id(), "TERM"}).code() == 0);
    CHECK(container.wait_code() == 0);
    CHECK(box.call({"delete", container.id()}).code() == 0);
}

TEST_CASE("descriptors: the container holds its caller's output only by its own 1 and 2",
          "[descriptors]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    // No process keeps the pipes: their end shows at once.
    CHECK(container.out().wait_for_end(milliseconds{2000}) == "");
    CHECK(container.err().wait_for_end(milliseconds{2000}) == "");
}

// --- every combination ---------------------------------------------------------------------------

namespace {

enum class Kind { closed, pipe, file, terminal };

// What a program is started with, and what it has to find.
class Stdio {
  public:
    Stdio(Box& box, std::array<Kind, 3> kinds) {
        for (int number = 0; number < 3; ++number)
            add(box, kinds[static_cast<std::size_t>(number)], number);
    }
    const CommandOptions& options() const { return options_; }
    const std::string& expected() const { return expected_; }

  private:
    void add(Box& box, Kind kind, int number) {
        if (!expected_.empty()) expected_ += " ";
        switch (kind) {
            case Kind::closed:
                options_.fds.emplace_back(-1, number);
                expected_ += "closed";
                return;
            case Kind::pipe:
                options_.fds.emplace_back(pipe_.write_end(), number);
                expected_ += "fifo";
                return;
            case Kind::file:
                if (!file_.valid()) file_ = open_file(box / "stdio", O_RDWR | O_CREAT);
                options_.fds.emplace_back(file_.get(), number);
                expected_ += "file";
                return;
            case Kind::terminal:
                options_.fds.emplace_back(terminal_.slave.get(), number);
                expected_ += "char";
                return;
        }
    }
    Stream pipe_;
    UniqueFd file_;
    Terminal terminal_;
    CommandOptions options_;
    std::string expected_;
};

// create and start: what counts is what create was called with.
void check_create(Box& box, std::array<Kind, 3> kinds) {
    const auto told = box.bundle.in_rootfs("tmp/told");
    const std::string id = box.new_id();
    const std::string pid_file = (box / "pid").string();
    const Stdio stdio(box, kinds);
    std::filesystem::remove(told);
    Process create(
        box.command_line({"create", "--bundle", box.bundle.path(), "--pid-file", pid_file, id}),
        stdio.options());
    CHECK(create.wait_exit_only().code() == 0);
    CHECK(box.call({"start", id}).code() == 0);
    (void)wait_for_child(std::stoi(read_file(pid_file)));
    CHECK(read_file(told) == stdio.expected() + "\n");
    CHECK(box.call({"delete", id}).code() == 0);
}

}  // namespace

TEST_CASE("descriptors: 0, 1 and 2 closed, pipe, file and terminal in every combination",
          "[descriptors][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Box other;
    Container sleeper = other.sleeper();
    constexpr std::array kKinds{Kind::closed, Kind::pipe, Kind::file, Kind::terminal};
    const Strings tell = {"stdio", "/tmp/told"};
    box.bundle.args(tell).write();
    for (const Kind in : kKinds) {
        for (const Kind out : kKinds) {
            for (const Kind err : kKinds) {
                CAPTURE(int(in), int(out), int(err));
                const auto check = [&](Box& used, const Strings& arguments) {
                    const auto told = used.bundle.in_rootfs("tmp/told");
                    const Stdio stdio(box, {in, out, err});
                    std::filesystem::remove(told);
                    CHECK(Process(used.command_line(arguments), stdio.options())
                              .wait_exit_only()
                              .code() == 0);
                    CHECK(read_file(told) == stdio.expected() + "\n");
                };
                check(other, other.exec_line(sleeper, tell));
                check(box, {"run", "--bundle", box.bundle.path(), box.new_id()});
                check_create(box, {in, out, err});
            }
        }
    }
    sleeper.kill();
    sleeper.wait();
    sleeper.remove();
}

TEST_CASE("descriptors: /dev/null of the caller becomes the container's own, to read and to write",
          "[descriptors][exec]") {
    NEEDS(need_runtime());
    Box box;
    // As containerd's null IO has it.
    const UniqueFd null = open_file("/dev/null", O_RDONLY);
    CommandOptions command;
    for (int number = 0; number <= 2; ++number) command.fds.emplace_back(null.get(), number);
    CreateOptions options;
    options.command = command;
    box.bundle.args({"writefd", "1", "x", "--", "writefd", "2", "x", "--", "sleep"});
    Container container = box.create(options);
    container.start();
    CHECK(
        box.exec(container, {"writefd", "1", "x", "--", "writefd", "2", "x"}, {}, command).code() ==
        0);
    CHECK(container.status() == "running");  // it could write
    const auto mount_of = [](const std::string& process, int fd) {
        return line_after(read_file("/proc/" + process + "/fdinfo/" + std::to_string(fd)),
                          "mnt_id:");
    };
    for (int number = 0; number <= 2; ++number) {
        CAPTURE(number);
        CHECK(mount_of(std::to_string(container.pid()), number) != "");
        CHECK(mount_of(std::to_string(container.pid()), number) != mount_of("self", null.get()));
    }
    container.kill();
    (void)container.wait();
    container.remove();
}

TEST_CASE("descriptors: what is no null device at /dev/null is not taken for it",
          "[descriptors][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::filesystem::path dev = box / "dev";
    std::filesystem::create_directories(dev);
    write_file(dev / "null", "kept");
    for (const char* place : {"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"}) {
        box.bundle.remove_mount(place);
    }
    box.bundle.add_mount(
        {{"destination", "/dev"}, {"type", "bind"}, {"source", dev}, {"options", {"bind"}}});
    const UniqueFd null = open_file("/dev/null", O_RDWR);
    CreateOptions options;
    options.command.fds = {{null.get(), 1}, {null.get(), 2}};
    box.bundle.args({"writefd", "1", "x", "--", "into", "/tmp/told", "--", "fdstat", "2"});
    Container container = box.create(options);
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(contains(read_file(box.bundle.in_rootfs("tmp/told")), "2 char 0666 0 0 1:3"));
    CHECK(read_file(dev / "null") == "kept");
    container.remove();
}

TEST_CASE("descriptors: LISTEN_FDS that is left over from another start is a warning",
          "[descriptors][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string value = GENERATE(as<std::string>(), "3", "many");
    CAPTURE(value);
    CreateOptions options;
    options.global = {"--log", box / "log"};
    options.command.environment = Strings{"LISTEN_FDS=" + value};
    const Outcome outcome = box.life({"fds", "--", "env"}, options);
    CHECK(outcome.code == 0);
    CHECK_FALSE(contains(outcome.out, "LISTEN_FDS"));
    CHECK(contains(read_file(box / "log"), "LISTEN_FDS"));
}
