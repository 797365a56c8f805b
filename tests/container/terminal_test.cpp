// process.terminal: --console-socket, and terminals in the foreground.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// Terminals write "\r\n".
std::string without_returns(std::string text) {
    std::erase(text, '\r');
    return text;
}

// A caller at a terminal: it is 0, 1 and 2 of the runtime.
CommandOptions at(const Terminal& terminal) {
    CommandOptions options;
    for (int number = 0; number <= 2; ++number) {
        options.fds.emplace_back(terminal.slave.get(), number);
    }
    return options;
}

Strings run_line(Box& box, const Strings& probe_arguments) {
    box.bundle.args(probe_arguments).process()["terminal"] = true;
    box.bundle.write();
    return {"run", "--bundle", box.bundle.path(), box.new_id()};
}

std::string filled(long bytes) {
    std::string text;
    for (long line = 0; static_cast<long>(text.size()) < bytes; ++line) {
        std::string number = std::to_string(line);
        text += std::string(63 - number.size(), '0') + number + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("terminal: create sends the master and its name, the program has the slave",
          "[terminal]") {
    NEEDS(need_runtime());
    Box box;
    const bool keep = GENERATE(false, true);
    if (keep && environment().runtime_name != "lxcri") return;
    CAPTURE(keep);
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    box.bundle.args({"tty", "--", "stat", "/dev/console", "/dev/pts/0", "--", "fds"});
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    if (keep) options.global = {"--monitor", "keep"};
    Container container = box.create(options);
    auto message = socket.receive();
    CHECK(message.text == "/dev/pts/0");
    REQUIRE(message.fd.valid());
    Keyboard keyboard(std::move(message.fd));
    container.start();
    CHECK(container.wait_code() == 0);
    const std::string out = without_returns(keyboard.wait_for_end());
    CAPTURE(out);
    for (const char* number : {"0", "1", "2"}) CHECK(value_of(out, number) == "tty /dev/pts/0");
    CHECK(value_of(out, "controlling") == "yes");
    CHECK(value_of(out, "session") == "own");
    CHECK(value_of(out, "foreground") == "yes");
    // Not copies of each other's descriptors, but the same device.
    CHECK(facts_of(out, "/dev/console") == facts_of(out, "/dev/pts/0"));
    CHECK(contains(facts_of(out, "/dev/console"), "char"));
    CHECK_FALSE(has_line(out, "3 /dev/pts/ptmx"));
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("terminal: nothing of the caller's 0, 1 and 2 is used", "[terminal]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    box.bundle.args({"echo", "into the terminal"});
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    Container container = box.create(options);
    Keyboard keyboard(socket.receive().fd);
    container.start();
    container.wait();
    CHECK(without_returns(keyboard.wait_for_end()) == "into the terminal\n");
    CHECK(container.out().wait_for_end() == "");
    container.remove();
}

TEST_CASE("terminal: consoleSize is its size", "[terminal]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    box.bundle.process()["consoleSize"] = {{"height", 33}, {"width", 121}};
    box.bundle.args({"tty"});
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    Container container = box.create(options);
    Keyboard keyboard(socket.receive().fd);
    container.start();
    container.wait();
    CHECK(value_of(without_returns(keyboard.wait_for_end()), "size") == "33x121");
    container.remove();
}

TEST_CASE("terminal: belongs to the user", "[terminal]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    box.bundle.process()["user"] = {{"uid", 1234}, {"gid", 1234}};
    box.bundle.args(
        {"fdstat", "0", "--", "open", "/dev/tty", "rw", "--", "open", "/dev/pts/0", "rw"});
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    Container container = box.create(options);
    Keyboard keyboard(socket.receive().fd);
    container.start();
    CHECK(container.wait_code() == 0);
    CHECK(contains(keyboard.wait_for_end(), "0 char 0620 1234 5"));
    container.remove();
}

TEST_CASE("terminal: of a container with a user namespace", "[terminal][userns]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    box.bundle.add_namespace("user");
    const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    fs::permissions(box.bundle.path().parent_path(), fs::perms(0755));
    box.bundle.args({"tty", "--", "fdstat", "0"});
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    Container container = box.create(options);
    Keyboard keyboard(socket.receive().fd);
    container.start();
    CHECK(container.wait_code() == 0);
    const std::string out = without_returns(keyboard.wait_for_end());
    CAPTURE(out);
    CHECK(value_of(out, "0") == "tty /dev/pts/0");
    CHECK(value_of(out, "controlling") == "yes");
    CHECK(contains(out, "0 char 0620 0 5"));
    container.remove();
}

TEST_CASE("terminal: --console-socket is required with one, and refused without", "[terminal]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("missing") {
        box.bundle.process()["terminal"] = true;
        box.refusal();
    }
    SECTION("given for nothing") {
        ReceivingSocket socket(box / "console.sock");
        CreateOptions options;
        options.flags = {"--console-socket", socket.path()};
        // crun does not mind.
        if (environment().runtime_name != "crun") box.refusal(options);
    }
    SECTION("no listener") {
        box.bundle.process()["terminal"] = true;
        CreateOptions options;
        options.flags = {"--console-socket", box / "none.sock"};
        box.refusal(options);
    }
    SECTION("detached run") {
        const Finished finished = box.call([&] {
            Strings line = run_line(box, {"true"});
            line.insert(line.begin() + 1, "--detach");
            return line;
        }());
        CHECK(finished.code() != 0);
        CHECK(box.leftovers() == Strings{});
    }
}

TEST_CASE("terminal: what is at /dev/pts has to be a devpts", "[terminal][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    box.bundle.remove_mount("/dev/pts");
    SECTION("nothing") {
        const std::string text = box.refusal(options);
        CHECK(contains(text, "/process/terminal"));
        CHECK(contains(text, "/dev/pts"));
    }
    SECTION("a tmpfs with a false ptmx") {
        fs::create_directories(box / "fake");
        write_file(box / "fake/ptmx", "");
        box.bundle.add_mount({{"destination", "/dev/pts"},
                              {"type", "bind"},
                              {"source", box / "fake"},
                              {"options", {"bind"}}});
        CHECK(contains(box.refusal(options), "devpts"));
    }
}

TEST_CASE("terminal: links of the image at /dev/pts and /dev/console lead nowhere",
          "[terminal][hostile][CVE-2025-52565][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    // /dev is the image's own folder.
    box.bundle.remove_mount("/dev").remove_mount("/dev/pts").remove_mount("/dev/shm");
    box.bundle.remove_mount("/dev/mqueue");
    write_file(box.bundle.in_rootfs("victim"), "untouched");
    const fs::path dev = box.bundle.in_rootfs("dev");
    SECTION("/dev/pts") {
        fs::create_directory_symlink("/proc/self", dev / "pts");
        CHECK(contains(box.refusal(options), "/process/terminal"));
    }
    SECTION("/dev/console") {
        box.bundle.add_mount({{"destination", "/dev/pts"},
                              {"type", "devpts"},
                              {"source", "devpts"},
                              {"options", {"newinstance", "ptmxmode=0666", "mode=0620"}}});
        fs::create_directories(dev / "pts");
        fs::create_symlink("../victim", dev / "console");
        const std::string text = box.refusal(options);
        CAPTURE(text);
        CHECK(contains(text, "/dev/console"));
    }
    CHECK(read_file(box.bundle.in_rootfs("victim")) == "untouched");
    CHECK_FALSE(fs::is_other(box.bundle.in_rootfs("victim")));
}

TEST_CASE("terminal: with a /dev that is read-only", "[terminal][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    ReceivingSocket socket(box / "console.sock");
    box.bundle.process()["terminal"] = true;
    for (Json& mount : box.bundle.config["mounts"]) {
        if (mount.at("destination") == "/dev") mount["options"].push_back("ro");
    }
    box.bundle.args(
        {"tty", "--", "stat", "/dev/console", "/dev/pts/0", "--", "write", "/dev/x", "y"});
    CreateOptions options;
    options.flags = {"--console-socket", socket.path()};
    Container container = box.create(options);
    Keyboard keyboard(socket.receive().fd);
    container.start();
    CHECK(container.wait_code() != 0);
    const std::string out = without_returns(keyboard.wait_for_end());
    CAPTURE(out);
    CHECK(value_of(out, "0") == "tty /dev/pts/0");
    CHECK(facts_of(out, "/dev/console") == facts_of(out, "/dev/pts/0"));
    CHECK(contains(out, "write /dev/x: EROFS"));
    container.remove();
}

// --- in the foreground -----------------------------------------------------------------------

TEST_CASE("terminal: run relays what is typed and what is shown", "[terminal][run]") {
    NEEDS(need_runtime());
    Box box;
    Terminal terminal;
    termios before{};
    tcgetattr(terminal.slave.get(), &before);
    Process process(box.command_line(run_line(
                        box, {"echo", "ready", "--", "tty", "--", "stdin", "--", "exit", "7"})),
                    at(terminal));
    terminal.keyboard.wait_for("foreground=yes");
    CHECK(contains(terminal.keyboard.text(), "size=24x80"));
    // Ours is raw now: what is typed is echoed once, by the container's.
    terminal.keyboard.type("typed line\r");
    terminal.keyboard.wait_for("typed line\r\ntyped line\r\n");
    terminal.keyboard.type("\x04");
    CHECK(process.wait_exit_only().code() == 7);
    termios after{};
    tcgetattr(terminal.slave.get(), &after);
    CHECK(after.c_lflag == before.c_lflag);
    CHECK(after.c_iflag == before.c_iflag);
    CHECK(after.c_oflag == before.c_oflag);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("terminal: run follows the size of ours", "[terminal][run]") {
    NEEDS(need_runtime());
    Box box;
    Terminal terminal;
    Process process(box.command_line(run_line(box, {"winsize"})), at(terminal));
    terminal.keyboard.wait_for("ready");
    terminal.keyboard.resize(40, 100);
    // The caller's shell would do this: we are in no foreground.
    process.signal(SIGWINCH);
    terminal.keyboard.wait_for("size=40x100");
    CHECK(process.wait_exit_only().code() == 0);
}

TEST_CASE("terminal: Ctrl-C reaches the program, not us", "[terminal][run]") {
    NEEDS(need_runtime());
    Box box;
    Terminal terminal;
    Process process(box.command_line(run_line(box, {"trap", "INT", "9"})), at(terminal));
    terminal.keyboard.wait_for("ready");
    terminal.keyboard.type("\x03");
    CHECK(process.wait_exit_only().code() == 9);
}

TEST_CASE("terminal: ten megabytes arrive intact", "[terminal][run]") {
    NEEDS(need_runtime());
    Box box;
    constexpr long kBytes = 10L << 20;
    SECTION("run, into a pipe") {
        const Finished finished = box.call(run_line(box, {"fill", std::to_string(kBytes)}));
        CHECK(finished.code() == 0);
        CHECK(without_returns(finished.out) == filled(kBytes));
    }
    SECTION("exec, into a file") {
        Container container = box.sleeper();
        CommandOptions options;
        const UniqueFd file(open((box / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        options.fds = {{file.get(), 1}};
        CHECK(box.exec(container, {"fill", std::to_string(kBytes)}, {"--tty"}, options).code() ==
              0);
        CHECK(without_returns(read_file(box / "out")) == filled(kBytes));
        container.kill();
        container.wait();
        container.remove();
    }
}

TEST_CASE("terminal: a reader that stalls does not keep run from ending",
          "[terminal][run][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Stream unread;
    CommandOptions options;
    options.fds = {{unread.write_end(), 1}};
    Process process(box.command_line(run_line(box, {"fill", std::to_string(64L << 20)})), options);
    unread.wait_for("0000");  // what came first; the rest stays
    CHECK(box.call({"kill", box.name(), "KILL"}).code() == 0);
    CHECK(process.wait_exit_only().code() == 137);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("terminal: run without a terminal of ours relays pipes", "[terminal][run]") {
    NEEDS(need_runtime());
    Box box;
    CommandOptions options;
    options.input = "from a pipe\n\x04";
    const Finished finished =
        box.call(run_line(box, {"tty", "--", "stdin", "--", "exit", "3"}), options);
    CHECK(finished.code() == 3);
    CHECK(contains(finished.out, "0=tty /dev/pts/0"));
    CHECK(contains(without_returns(finished.out), "\nfrom a pipe\n"));
}

TEST_CASE("terminal: lines arrive as the program has written them",
          "[terminal][run][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(box.call(run_line(box, {"echo", "one", "--", "echo", "two"})).out == "one\ntwo\n");
    box.bundle.process()["terminal"] = false;
    Container container = box.sleeper();
    CHECK(box.exec(container, {"echo", "one", "--", "echo", "two"}, {"--tty"}).out == "one\ntwo\n");
    // At a terminal each still begins on the left.
    Terminal terminal;
    Process process(
        box.command_line(box.exec_line(container, {"echo", "one", "--", "echo", "two"}, {"--tty"})),
        at(terminal));
    terminal.keyboard.wait_for("one\r\ntwo\r\n");
    CHECK(process.wait_exit_only().code() == 0);
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("terminal: the end of the input is passed on", "[terminal][run][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    CommandOptions options;
    const auto [input, seen] = GENERATE(table<std::string, std::string>(
        {{"", ""}, {"line\n", "line\nline\n"}, {"no end", "no endno end"}}));
    CAPTURE(input);
    options.input = input;
    SECTION("run") {
        const Finished finished = box.call(run_line(box, {"stdin", "--", "exit", "3"}), options);
        CHECK(finished.code() == 3);
        CHECK(finished.out == seen);
    }
    SECTION("exec") {
        Container container = box.sleeper();
        const Finished finished =
            box.exec(container, {"stdin", "--", "exit", "3"}, {"--tty"}, options);
        CHECK(finished.code() == 3);
        CHECK(finished.out == seen);
        container.kill();
        container.wait();
        container.remove();
    }
}

TEST_CASE("terminal: the end of the input also ends a shell that reads key by key",
          "[terminal][exec][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("busybox"));
    Box box;
    fs::copy_file(find_program("busybox"), box.bundle.in_rootfs("sh"));
    Container container = box.sleeper();
    CommandOptions options;
    options.input = GENERATE(as<std::string>(), "", "true\n");
    CHECK(run_command(box.command_line({"exec", "--tty", container.id(), "/sh"}), options).code() ==
          0);
    container.kill();
    container.wait();
    container.remove();
}

// --- exec ------------------------------------------------------------------------------------

TEST_CASE("terminal: exec --tty has one of its own in the container's devpts", "[terminal][exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    Terminal terminal;
    Process process(
        box.command_line(box.exec_line(container, {"tty", "--", "trap", "INT", "6"}, {"--tty"})),
        at(terminal));
    terminal.keyboard.wait_for("ready");
    const std::string out = without_returns(terminal.keyboard.text());
    CAPTURE(out);
    for (const char* number : {"0", "1", "2"}) CHECK(value_of(out, number) == "tty /dev/pts/0");
    CHECK(value_of(out, "size") == "24x80");
    CHECK(value_of(out, "controlling") == "yes");
    CHECK(value_of(out, "session") == "own");
    CHECK(value_of(out, "foreground") == "yes");
    terminal.keyboard.type("\x03");
    CHECK(process.wait_exit_only().code() == 6);
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("terminal: exec --detach --console-socket as conmon calls it", "[terminal][exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    ReceivingSocket socket(box / "console.sock");
    write_file(box / "process.json", Json{{"terminal", true},
                                          {"consoleSize", {{"height", 10}, {"width", 20}}},
                                          {"cwd", "/"},
                                          {"user", {{"uid", 0}, {"gid", 0}}},
                                          {"args", {"/probe", "tty", "--", "exit", "5"}}}
                                         .dump());
    const Finished finished =
        box.call({"exec", "--pid-file", box / "exec.pid", "--process", box / "process.json",
                  "--detach", "--tty", "--console-socket", socket.path(), container.id()});
    REQUIRE(finished.code() == 0);
    auto message = socket.receive();
    CHECK(message.text == "/dev/pts/0");
    Keyboard keyboard(std::move(message.fd));
    const pid_t pid = std::stoi(read_file(box / "exec.pid"));
    CHECK(Finished{.status = wait_for_child(pid)}.code() == 5);
    const std::string out = without_returns(keyboard.wait_for_end());
    CHECK(value_of(out, "0") == "tty /dev/pts/0");
    CHECK(value_of(out, "size") == "10x20");
    container.kill();
    container.wait();
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("terminal: exec with sockets and flags that do not fit", "[terminal][exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    ReceivingSocket socket(box / "console.sock");
    CHECK(contains(box.exec(container, {"true"}, {"--console-socket", socket.path()}).err,
                   "--console-socket"));
    CHECK(contains(box.exec(container, {"true"}, {"--tty", "--detach"}).err, "--console-socket"));
    CHECK(contains(
        box.exec(container, {"true"}, {"--tty", "--detach", "--console-socket", box / "none"}).err,
        "--console-socket"));
    CHECK_FALSE(socket.was_called());
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("terminal: a program may close it for a while", "[terminal][exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const Finished finished = box.exec(container, {"reopen-tty"}, {"--tty"});
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, "closed\n"));
    CHECK(contains(finished.out, "reopened\n"));
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("terminal: one who keeps writing does not keep exec from ending", "[terminal][exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    // The writer is a child that ignores the hang-up; the reader is slow.
    Stream slow;
    CommandOptions options;
    options.fds = {{slow.write_end(), 1}};
    Process process(box.command_line(box.exec_line(container, {"write-on"}, {"--tty"})), options);
    slow.wait_for("0000");
    CHECK(process.wait_exit_only().code() == 0);
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("terminal: exec --tty with 0, 1 and 2 closed", "[terminal][exec][descriptors]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    for (unsigned closed = 1; closed < 8; ++closed) {
        CAPTURE(closed);
        CommandOptions options;
        for (int number = 0; number <= 2; ++number) {
            if (((closed >> static_cast<unsigned>(number)) & 1U) != 0) {
                options.fds.emplace_back(-1, number);
            }
        }
        std::filesystem::remove(box.bundle.in_rootfs("tmp/told"));
        Process process(
            box.command_line(box.exec_line(container, {"stdio", "/tmp/told"}, {"--tty"})), options);
        CHECK(process.wait_exit_only().code() == 0);
        CHECK(read_file(box.bundle.in_rootfs("tmp/told")) == "char char char\n");
    }
    container.kill();
    container.wait();
    container.remove();
}

TEST_CASE("terminal: flooded from both sides, run ends with its container",
          "[terminal][run][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const bool is_read = GENERATE(true, false);
    Terminal terminal;
    CommandOptions options;
    for (int number = 0; number <= 2; ++number) {
        options.fds.emplace_back(terminal.slave.get(), number);
    }
    Process process(box.command_line(run_line(box, {"fill", std::to_string(64L << 20)})), options);
    terminal.keyboard.wait_for("0000");
    // No process inside reads what is typed.
    const std::string typed(4096, 'x');
    const int fd = terminal.keyboard.fd();
    (void)::fcntl(fd, F_SETFL, O_NONBLOCK);
    std::string sink(1 << 16, '\0');
    for (int i = 0; i < 2000; ++i) {
        (void)!::write(fd, typed.data(), typed.size());
        if (is_read) (void)!::read(fd, sink.data(), sink.size());
    }
    CHECK(box.call({"kill", box.name(), "KILL"}).code() == 0);
    CHECK(process.wait_exit_only().code() == 137);
    CHECK(box.leftovers() == Strings{});
}
