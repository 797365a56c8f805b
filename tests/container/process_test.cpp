// process.*: arguments, environment, directory, user, limits, signals.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

// --- args, env, cwd --------------------------------------------------------------------------

TEST_CASE("process.args: arrive exactly", "[process]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome =
        box.life({"args", "plain", "", "two words", " ", "-x", "$HOME", "\xc3\xa4\n\"", "a\\b"});
    CHECK(outcome.out == "[plain]\n[]\n[two words]\n[ ]\n[-x]\n[$HOME]\n[\xc3\xa4\n\"]\n[a\\b]\n");
}

TEST_CASE("process.args: a long list arrives", "[process]") {
    NEEDS(need_runtime());
    Box box;
    Strings arguments = {"args"};
    for (int i = 0; i < 1000; ++i) arguments.push_back(std::string(50, 'x') + std::to_string(i));
    CHECK(lines_of(box.life(arguments).out).size() == 1000);
}

TEST_CASE("process.args: the program is looked up in PATH of process.env", "[process]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.in_rootfs("opt/tools"));
    fs::copy_file(environment().probe, box.bundle.in_rootfs("opt/tools/tool"));
    box.bundle.process()["args"] = {"tool", "echo", "found"};
    box.bundle.process()["env"] = {"PATH=/nowhere:/opt/tools"};
    CHECK(box.life().out == "found\n");
}

TEST_CASE("process.args: a relative path starts at cwd", "[process]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.in_rootfs("opt"));
    fs::copy_file(environment().probe, box.bundle.in_rootfs("opt/tool"));
    box.bundle.process()["args"] = {"./tool", "echo", "found"};
    box.bundle.process()["cwd"] = "/opt";
    CHECK(box.life().out == "found\n");
}

namespace {

// create or start has to say so, with the words by which the engines choose exit status 126 or 127.
void check_exec_failure(Box& box, const std::string& words) {
    Container container = box.try_create();
    std::string text = container.created.err;
    if (container.created.code() == 0) {
        const Finished started = box.call({"start", container.id()});
        const int code = wait_for_child(container.pid());
        text += started.err + container.err().wait_for_end();
        CHECK((started.code() != 0 || code != 0));
        CHECK(describe_status(code) != "exit 0");
    }
    INFO("said: " << text);
    CHECK(contains(text, words));
}

}  // namespace

TEST_CASE("process.args: a program that is not in PATH is an error with the known words",
          "[process][exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["args"] = {"not-there"};
    check_exec_failure(box, "executable file not found in $PATH");
}

TEST_CASE("process.args: a path that is not there is an error with the known words",
          "[process][exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["args"] =
        GENERATE(Strings{"/not/there"}, Strings{"./not-there"}, Strings{"/probe/not-a-dir"});
    if (box.bundle.process()["args"][0] == "/probe/not-a-dir") {
        check_exec_failure(box, "not a directory");
    } else {
        check_exec_failure(box, "no such file or directory");
    }
}

TEST_CASE("process.args: a file that may not be executed is an error with the known words",
          "[process][exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/data"), "text", 0644);
    box.bundle.process()["args"] = {"/etc/data"};
    check_exec_failure(box, "permission denied");
}

TEST_CASE("process.args: a directory is no program", "[process][exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["args"] = {"/etc"};
    Container container = box.try_create();
    if (container.created.code() == 0) {
        (void)box.call({"start", container.id()});
        CHECK(container.wait_code() != 0);
    }
}

TEST_CASE("process.args: a file that is no program never ends with status 0", "[process][exec]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/script"), "not a program", 0755);
    box.bundle.process()["args"] = {"/etc/script"};
    Container container = box.try_create();
    if (container.created.code() == 0) {
        const Finished started = box.call({"start", container.id()});
        const int code = container.wait_code();
        CHECK(code != 0);
        CHECK(started.err + container.err().wait_for_end() != "");
    }
}

TEST_CASE("process.args: a failed exec in PATH goes on to the next directory", "[process][exec]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.in_rootfs("first"));
    fs::create_directories(box.bundle.in_rootfs("second"));
    write_file(box.bundle.in_rootfs("first/tool"), "not executable", 0644);
    fs::copy_file(environment().probe, box.bundle.in_rootfs("second/tool"));
    box.bundle.process()["args"] = {"tool", "echo", "found"};
    box.bundle.process()["env"] = {"PATH=/missing:/first:/second"};
    CHECK(box.life().out == "found\n");
}

TEST_CASE("process.args: absent or empty is refused", "[process][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    if (GENERATE(true, false)) {
        box.bundle.process().erase("args");
    } else {
        box.bundle.process()["args"] = Json::array();
    }
    Container container = box.try_create();
    if (container.created.code() == 0) CHECK(box.call({"start", container.id()}).code() != 0);
}

TEST_CASE("process.env: is exactly what the program gets, and HOME", "[process]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["env"] = {"PATH=/bin", "A=1", "EMPTY=", "B=with = and blank", "HOME=/h"};
    const Outcome outcome = box.life({"env"});
    std::vector<std::string> lines = lines_of(outcome.out);
    std::sort(lines.begin(), lines.end());
    CHECK(lines == Strings{"A=1", "B=with = and blank", "EMPTY=", "HOME=/h", "PATH=/bin"});
}

TEST_CASE("process.env: nothing of the caller's environment arrives", "[process]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.command.environment =
        Strings{"PATH=/usr/bin:/bin", "SECRET=1", "LXC_NAME=x", "LD_PRELOAD=", "LANG=C"};
    const Outcome outcome = box.life({"env"}, options);
    for (const std::string& line : lines_of(outcome.out)) {
        CAPTURE(line);
        CHECK((line.starts_with("PATH=") || line.starts_with("HOME=")));
    }
}

TEST_CASE("process.env: absent means empty, the last of two wins", "[process]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("absent") {
        box.bundle.process().erase("env");
        for (const std::string& line : lines_of(box.life({"env"}).out)) {
            CHECK(line.starts_with("HOME="));
        }
    }
    SECTION("twice") {
        box.bundle.process()["env"] = {"X=first", "X=second"};
        const std::string text = box.life({"env"}).out;
        CHECK(has_line(text, "X=second"));
    }
}

TEST_CASE("process.env: HOME comes from the passwd file of the container", "[process]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/passwd"),
               "root:x:0:0::/root-home:/bin/sh\nuser:x:1234:1234::/home/of-user:/bin/sh\n");
    SECTION("root") {
        CHECK(has_line(box.life({"env"}).out, "HOME=/root-home"));
    }
    SECTION("a user") {
        box.bundle.process()["user"] = {{"uid", 1234}, {"gid", 1234}};
        CHECK(has_line(box.life({"env"}).out, "HOME=/home/of-user"));
    }
}

TEST_CASE("process.env: HOME of a user that the passwd file does not know is /",
          "[process][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 4321}, {"gid", 4321}};
    CHECK(has_line(box.life({"env"}).out, "HOME=/"));
}

TEST_CASE("process.cwd: is where the program starts, and is made when missing", "[process]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["cwd"] = GENERATE(as<std::string>(), "/", "/etc", "/made/for/this");
    CHECK(box.life({"cwd"}).out == box.bundle.process()["cwd"].get<std::string>() + "\n");
}

TEST_CASE("process.cwd: inside a mount", "[process]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box / "source/inner");
    box.bundle.add_mount({{"destination", "/data"},
                          {"type", "bind"},
                          {"source", box / "source"},
                          {"options", {"rbind"}}});
    box.bundle.process()["cwd"] = "/data/inner";
    CHECK(box.life({"cwd"}).out == "/data/inner\n");
}

TEST_CASE("process.cwd: a symlink leads within the container", "[process]") {
    NEEDS(need_runtime());
    Box box;
    fs::create_directories(box.bundle.in_rootfs("real"));
    fs::create_symlink("/real", box.bundle.in_rootfs("link"));
    box.bundle.process()["cwd"] = "/link";
    CHECK(box.life({"cwd"}).out == "/real\n");
}

TEST_CASE("process.cwd: relative, empty, or not a directory is an error", "[process][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["cwd"] = GENERATE(as<std::string>(), "relative", "", "/probe");
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.err != "");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("process.cwd: descriptors of the runtime are no way out", "[process][hostile]") {
    NEEDS(need_runtime());
    // Every descriptor that the runtime might hold on a host directory.
    for (int fd = 3; fd < 16; ++fd) {
        Box box;
        box.bundle.process()["cwd"] = "/proc/self/fd/" + std::to_string(fd);
        box.bundle.args({"cwd", "--", "open", "../../../../../../../../etc/machine-id"});
        Container container = box.try_create();
        if (container.created.code() != 0) continue;
        (void)box.call({"start", container.id()});
        (void)container.wait();
        const std::string text = container.out().wait_for_end();
        CAPTURE(fd, text);
        CHECK(!contains(text, "machine-id: ok"));
    }
}

// --- user ------------------------------------------------------------------------------------

TEST_CASE("process.user: uid, gid and groups are exactly those", "[process][user]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("absent groups are none") {
        box.bundle.process()["user"] = {{"uid", 0}, {"gid", 0}};
        const std::string text = box.life({"ids"}).out;
        CHECK(value_of(text, "uid") == "0,0,0");
        CHECK(value_of(text, "gid") == "0,0,0");
        CHECK(value_of(text, "groups") == "");
    }
    SECTION("all given") {
        box.bundle.process()["user"] = {
            {"uid", 1001}, {"gid", 1002}, {"additionalGids", {5, 2000000000}}};
        const std::string text = box.life({"ids"}).out;
        CHECK(value_of(text, "uid") == "1001,1001,1001");
        CHECK(value_of(text, "gid") == "1002,1002,1002");
        CHECK(value_of(text, "groups") == "5,2000000000");
    }
}

TEST_CASE("process.user: the whole range of IDs", "[process][user][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {
        {"uid", 4294967294U}, {"gid", 4000000000U}, {"additionalGids", {4294967294U}}};
    const std::string text = box.life({"ids"}).out;
    CHECK(value_of(text, "uid") == "4294967294,4294967294,4294967294");
    CHECK(value_of(text, "gid") == "4000000000,4000000000,4000000000");
    CHECK(value_of(text, "groups") == "4294967294");
}

TEST_CASE("process.user: absent means root", "[process][user][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process().erase("user");
    const std::string text = box.life({"ids"}).out;
    CHECK(value_of(text, "uid") == "0,0,0");
    CHECK(value_of(text, "gid") == "0,0,0");
}

TEST_CASE("process.user.umask: is set, and 0022 without it", "[process][user]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.command.umask = 0077;
    SECTION("given") {
        box.bundle.process()["user"]["umask"] = 0027;
        const Outcome outcome =
            box.life({"ids", "--", "write", "/tmp/f", "x", "--", "stat", "/tmp/f"}, options);
        CHECK(value_of(outcome.out, "umask") == "0027");
        CHECK(facts_of(outcome.out, "/tmp/f").starts_with("file 0640"));
    }
    SECTION("absent") {
        CHECK(value_of(box.life({"ids"}, options).out, "umask") == "0022");
    }
}

// --- limits ----------------------------------------------------------------------------------

TEST_CASE("process.rlimits: are exactly those", "[process][rlimits]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["rlimits"] = {
        {{"type", "RLIMIT_NOFILE"}, {"soft", 33}, {"hard", 35}},
        {{"type", "RLIMIT_CORE"}, {"soft", 0}, {"hard", 0}},
        {{"type", "RLIMIT_STACK"}, {"soft", 1 << 20}, {"hard", 1 << 21}},
        {{"type", "RLIMIT_FSIZE"}, {"soft", 1 << 20}, {"hard", 18446744073709551615ULL}}};
    const std::string text = box.life({"rlimits"}).out;
    CHECK(has_line(text, "NOFILE 33 35"));
    CHECK(has_line(text, "CORE 0 0"));
    CHECK(has_line(text, "STACK 1048576 2097152"));
    CHECK(has_line(text, "FSIZE 1048576 18446744073709551615"));
}

TEST_CASE("process.rlimits: are those of a process of another user, too", "[process][rlimits]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    box.bundle.process()["rlimits"] = {{{"type", "RLIMIT_NOFILE"}, {"soft", 33}, {"hard", 35}}};
    box.bundle.process()["noNewPrivileges"] = GENERATE(false, true);
    CHECK(has_line(box.life({"rlimits"}).out, "NOFILE 33 35"));
}

TEST_CASE("process.rlimits: absent means those of the caller", "[process][rlimits]") {
    NEEDS(need_runtime());
    rlimit own{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &own) == 0);
    Box box;
    const std::string text = box.life({"rlimits"}).out;
    CHECK(has_line(text,
                   "NOFILE " + std::to_string(own.rlim_cur) + " " + std::to_string(own.rlim_max)));
}

TEST_CASE("process.rlimits: a low limit does not break the set-up", "[process][rlimits][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string type = GENERATE(as<std::string>(), "RLIMIT_NOFILE", "RLIMIT_FSIZE",
                                      "RLIMIT_CPU", "RLIMIT_MEMLOCK");
    CAPTURE(type);
    box.bundle.process()["rlimits"] = {{{"type", type}, {"soft", 4}, {"hard", 4}}};
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("process.rlimits: an unknown type or one twice is an error", "[process][rlimits]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["rlimits"] =
        GENERATE(Json::parse(R"([{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}])"),
                 Json::parse(R"([{"type": "NOFILE", "soft": 1, "hard": 1}])"));
    (void)box.refusal();
}

TEST_CASE("process.rlimits: one twice, or soft above hard, is an error",
          "[process][rlimits][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["rlimits"] =
        GENERATE(Json::parse(R"([{"type": "RLIMIT_CORE", "soft": 1, "hard": 1},
                                 {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}])"),
                 Json::parse(R"([{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}])"));
    CHECK(contains(box.refusal(), "/process/rlimits"));
}

TEST_CASE("process.oomScoreAdj: is set, and untouched without it", "[process]") {
    NEEDS(need_runtime());
    Box box;
    const std::string own = read_file("/proc/self/oom_score_adj");
    SECTION("given") {
        box.bundle.process()["oomScoreAdj"] = 321;
        CHECK(box.life({"cat", "/proc/self/oom_score_adj"}).out == "321\n");
    }
    SECTION("absent") {
        CHECK(box.life({"cat", "/proc/self/oom_score_adj"}).out == own);
    }
}

TEST_CASE("process.oomScoreAdj: out of range is an error", "[process]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["oomScoreAdj"] = GENERATE(1001, -1001);
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

// --- signals, session ------------------------------------------------------------------------

TEST_CASE("process: no signal is blocked or ignored", "[process][signals]") {
    NEEDS(need_runtime());
    Box box;
    const Outcome outcome = box.life({"signals"});
    CHECK(value_of(outcome.out, "blocked") == "");
    CHECK(value_of(outcome.out, "ignored") == "");
}

TEST_CASE("process: signals that the caller blocks or ignores are back to normal",
          "[process][signals][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.command.blocked_signals = {SIGTERM, SIGUSR1, SIGCHLD};
    options.command.ignored_signals = {SIGINT, SIGPIPE, SIGHUP};
    const Outcome outcome = box.life({"signals"}, options);
    CHECK(value_of(outcome.out, "blocked") == "");
    CHECK(value_of(outcome.out, "ignored") == "");
}

TEST_CASE("process: leads a session of its own", "[process]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(contains(box.life({"pid"}).out, "pgid=1 sid=1"));
}

TEST_CASE("process: has a session keyring of its own, unless --no-new-keyring",
          "[process][keyring][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    SECTION("new") {
        CHECK(contains(box.life({"keyring"}).out, "_ses." + box.name()));
    }
    SECTION("the caller's") {
        CreateOptions options;
        options.flags = {"--no-new-keyring"};
        CHECK(!contains(box.life({"keyring"}, options).out, "_ses." + box.name()));
    }
}

TEST_CASE("process: absent is fine for create, and start is an error", "[process][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config.erase("process");
    Container container = box.create();
    CHECK(container.status() == "created");
    const Finished started = box.call({"start", container.id()});
    CHECK(started.code() != 0);
    CHECK(contains(started.err, "process"));
}

TEST_CASE("process: the executable of the runtime is out of reach", "[process][hostile]") {
    NEEDS(need_runtime());
    Box box;
    // /proc/self/exe of init is a program of the runtime: it may run or not, but not be written.
    box.bundle.process()["args"] = {"/proc/self/exe", "init"};
    Container container = box.try_create();
    if (container.created.code() == 0) {
        (void)box.call({"start", container.id()});
        wait_until_dead(container.pid());
    }
    // The next container works: the runtime is not damaged.
    Box other;
    CHECK(other.life({"true"}).code == 0);
}

// Profiles older than faccessat2(2) answer it so; without no_new_privs the filter is loaded before
// the program is looked for.
TEST_CASE("process: a filter without faccessat2 does not hide the program", "[process][seccomp]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["noNewPrivileges"] = false;
    box.bundle.linux()["seccomp"] = {
        {"defaultAction", "SCMP_ACT_ALLOW"},
        {"syscalls", Json::array({{{"names", {"faccessat2"}}, {"action", "SCMP_ACT_ERRNO"}}})}};
    CHECK(box.life({"true"}).code == 0);
    box.bundle.process()["args"][0] = "/nothing";
    CHECK(contains(box.refusal(), "no such file or directory"));
}

TEST_CASE("process.env: an empty HOME is as none", "[process][exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("etc/passwd"),
               "root:x:0:0::/the/home:/bin/sh\nuser:x:77:77::/home/user:/bin/sh\n");
    const auto [uid, home] =
        GENERATE(table<int, const char*>({{0, "/the/home"}, {77, "/home/user"}, {99, "/"}}));
    box.bundle.process()["env"] = {"PATH=/bin", "HOME="};
    box.bundle.process()["user"] = {{"uid", uid}, {"gid", 0}};
    CHECK(value_of(box.life({"env"}).out, "HOME") == home);
    Container container = box.sleeper();
    CHECK(value_of(box.exec(container, {"env"}).out, "HOME") == home);
    container.kill();
    container.wait();
    container.remove();
}
