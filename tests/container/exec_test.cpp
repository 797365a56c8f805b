// exec: one more process in a container.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/sockets.h"
#include "support/tracer.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// `others`: processes that are ours to reap. A pid namespace ends only when all in it are reaped.
void end(Container& container, const std::vector<pid_t>& others = {}) {
    container.kill();
    for (const pid_t pid : others) (void)wait_for_child(pid);
    container.wait();
    container.remove();
}

// A process.json with these changes.
Json process_document(const Strings& probe_arguments, const Json& changes = Json::object()) {
    Strings args = probe_arguments;
    args.insert(args.begin(), "/probe");
    Json document = {{"cwd", "/"}, {"args", args}, {"user", {{"uid", 0}, {"gid", 0}}}};
    document.merge_patch(changes);
    return document;
}

Finished exec_document(Box& box, const Container& container, const Json& document,
                       const Strings& flags = {}) {
    write_file(box / "process.json", document.dump());
    Strings line = {"exec", "--process", box / "process.json"};
    line.insert(line.end(), flags.begin(), flags.end());
    line.push_back(container.id());
    return box.call(line);
}

// A process that outlives the call must not hold the test's pipes.
struct Detached {
    Finished finished;
    pid_t pid = 0;
};
Detached exec_detached(Box& box, const Container& container, const Strings& probe_arguments,
                       Strings flags = {}, int stdout_fd = -1) {
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    const UniqueFd err(open((box / "err").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    CommandOptions options;
    options.fds = {{null.get(), 0}, {stdout_fd >= 0 ? stdout_fd : null.get(), 1}, {err.get(), 2}};
    fs::remove(box / "exec.pid");
    for (const std::string& word :
         {std::string("--detach"), std::string("--pid-file"), (box / "exec.pid").string()}) {
        flags.push_back(word);
    }
    Detached result{box.exec(container, probe_arguments, flags, options)};
    result.finished.err = read_file(box / "err");
    const std::string pid = read_file(box / "exec.pid");
    if (!pid.empty()) result.pid = std::stoi(pid);
    return result;
}

std::string cgroups_of(const std::string& pid) {
    return read_file("/proc/" + pid + "/cgroup");
}

}  // namespace

TEST_CASE("exec: output, input and exit status", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    for (const int code : {0, 1, 42, 255}) {
        CommandOptions options;
        options.input = "some input\n";
        const Finished finished = box.exec(
            container, {"stdin", "--", "error", "problem", "--", "exit", std::to_string(code)}, {},
            options);
        CHECK(finished.code() == code);
        CHECK(finished.out == "some input\n");
        CHECK(finished.err == "problem\n");
    }
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: a signal's death is 128 and its number", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    CHECK(box.exec(container, {"raise", "KILL"}).code() == 137);
    CHECK(box.exec(container, {"raise", "TERM"}).code() == 143);
    end(container);
}

TEST_CASE("exec: signals are forwarded", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    Process process(box.command_line(box.exec_line(container, {"report"})));
    process.out().wait_for("ready");
    for (const int number : {SIGUSR1, SIGHUP, SIGINT}) {
        process.signal(number);
        process.out().wait_for("signal " + std::to_string(number) + " ");
    }
    process.signal(SIGTERM);
    CHECK(process.wait().code() == 128 + SIGTERM);
    end(container);
}

TEST_CASE("exec: arguments arrive exactly, those too that look like options", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    CHECK(
        box.exec(container, {"args", "plain", "", "two words", "-x", "--help", "--detach", "$HOME"})
            .out == "[plain]\n[]\n[two words]\n[-x]\n[--help]\n[--detach]\n[$HOME]\n");
    Strings arguments = {"args"};
    for (int i = 0; i < 1000; ++i) arguments.push_back(std::string(100, 'x') + std::to_string(i));
    CHECK(lines_of(box.exec(container, arguments).out).size() == 1000);
    end(container);
}

TEST_CASE("exec: what cannot be executed is an error with the known words", "[exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("plain"), "text", 0644);
    Container container = box.sleeper();
    const auto say = [&](const std::string& program) {
        const Finished finished = box.call({"exec", container.id(), program});
        // No exit code that a program is likely to have.
        CHECK(finished.code() == 255);
        return finished.err;
    };
    CHECK(contains(say("not-there"), "executable file not found in $PATH"));
    CHECK(contains(say("/not/there"), "no such file or directory"));
    CHECK(contains(say("/plain"), "permission denied"));
    CHECK(contains(say("/tmp"), "permission denied"));
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: a failed one leaves no pid-file and no process", "[exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const Finished finished =
        box.exec(container, {}, {"--cwd", "/not/there", "--pid-file", box / "exec.pid"});
    CHECK(finished.code() == 255);
    CHECK(contains(finished.err, "/process/cwd"));
    CHECK_FALSE(fs::exists(box / "exec.pid"));
    CHECK(box.exec(container, {"processes"}).out.find("probe") != std::string::npos);
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: unknown, stopped and missing", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    CHECK(box.call({"exec", "not-there", "true"}).code() != 0);
    CHECK(contains(box.call({"exec", "not-there", "true"}).err, "does not exist"));
    Container container = box.sleeper();
    CHECK(box.call({"exec", container.id()}).code() != 0);
    CHECK(box.call({"exec"}).code() != 0);
    container.kill();
    container.wait();
    const Finished finished = box.exec(container, {"true"});
    CHECK(finished.code() != 0);
    CHECK(finished.out == "");
    container.remove();
}

TEST_CASE("exec: into a created container", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"sleep"});
    CreateOptions options;
    options.quiet = true;
    Container container = box.create(options);
    CHECK(box.exec(container, {"echo", "early"}).out == "early\n");
    CHECK(container.status() == "created");
    container.start();
    CHECK(container.status() == "running");
    end(container);
}

TEST_CASE("exec: init before start is out of the reach of the container",
          "[exec][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const bool userns = GENERATE(false, true);
    CAPTURE(userns);
    // In a user namespace its root has every capability over what is its own.
    box.bundle.process()["capabilities"]["bounding"].push_back("CAP_SYS_PTRACE");
    box.bundle.process()["capabilities"]["permitted"].push_back("CAP_SYS_PTRACE");
    box.bundle.process()["capabilities"]["effective"].push_back("CAP_SYS_PTRACE");
    if (userns) {
        box.bundle.add_namespace("user");
        const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
        box.bundle.linux()["uidMappings"] = mapping;
        box.bundle.linux()["gidMappings"] = mapping;
    } else {
        box.bundle.process()["capabilities"] = default_capabilities();
    }
    box.bundle.args({"sleep"});
    CreateOptions options;
    options.quiet = true;
    Container container = box.create(options);
    CHECK(contains(box.exec(container, {"readlink", "/proc/1/exe"}).out, "EACCES"));
    CHECK(contains(box.exec(container, {"readlink", "/proc/1/fd/0"}).out, "EACCES"));
    CHECK(contains(box.exec(container, {"open", "/proc/1/mem", "rw"}).out, "EACCES"));
    container.start();
    end(container);
}

// --- who it is -------------------------------------------------------------------------------

TEST_CASE("exec: is in all namespaces and cgroups of the container", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    const bool userns = GENERATE(false, true);
    CAPTURE(userns);
    if (userns) {
        box.bundle.add_namespace("user");
        const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
        box.bundle.linux()["uidMappings"] = mapping;
        box.bundle.linux()["gidMappings"] = mapping;
    }
    Container container = box.sleeper();
    const std::string init = "/proc/" + std::to_string(container.pid()) + "/ns/";
    std::string expected;
    for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
        expected += fs::read_symlink(init + kind).string() + "\n";
    }
    CHECK(box.exec(container, {"ns"}).out == expected);
    const pid_t pid = exec_detached(box, container, {"sleep"}).pid;
    REQUIRE(pid > 0);
    CHECK(cgroups_of(std::to_string(pid)) == cgroups_of(std::to_string(container.pid())));
    end(container, {pid});
}

TEST_CASE("exec: a process like the container's, but for the flags", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["user"] = {{"uid", 12}, {"gid", 34}, {"additionalGids", {56}}};
    box.bundle.process()["env"] = {"PATH=/bin", "A=container", "B=container"};
    fs::create_directories(box.bundle.in_rootfs("work"));
    Container container = box.sleeper();
    SECTION("without flags") {
        const std::string out = box.exec(container, {"ids", "--", "cwd", "--", "env"}).out;
        CHECK(contains(out, "uid=12,12,12\ngid=34,34,34\ngroups=56\numask=0022\n/\n"));
        CHECK(contains(out, "PATH=/bin\nA=container\nB=container\nHOME=/\n"));
    }
    SECTION("with flags") {
        const std::string out = box.exec(container, {"ids", "--", "cwd", "--", "env"},
                                         {"--user", "1:2", "-g", "3", "--additional-gids", "4",
                                          "--cwd", "/work", "--env", "A=flag", "-e", "C=flag"})
                                    .out;
        CHECK(contains(out, "uid=1,1,1\ngid=2,2,2\n"));
        CHECK(contains(out, "groups=3,4,56\n"));
        CHECK(contains(out, "/work\n"));
        CHECK(has_line(out, "A=flag"));
        CHECK_FALSE(has_line(out, "A=container"));
        CHECK(has_line(out, "B=container"));
        CHECK(has_line(out, "C=flag"));
    }
    SECTION("user without group keeps the group") {
        CHECK(contains(box.exec(container, {"ids"}, {"-u", "7"}).out, "uid=7,7,7\ngid=34,34,34\n"));
    }
    end(container);
}

TEST_CASE("exec: numbers that are none", "[exec][CVE-2026-30892][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    for (const char* user : {"0x1", "4294967296", "4294967295", "-1", "root", "", "1:", ":1", "1:x",
                             " 1", "1 ", "1:2:3", "+1"}) {
        CAPTURE(user);
        const Finished finished = box.exec(container, {"ids"}, {"--user", user});
        CHECK(finished.code() == 1);
        CHECK(contains(finished.err, "--user"));
        CHECK(finished.out == "");
    }
    for (const char* group : {"0x1", "4294967296", "4294967295", "wheel"}) {
        CHECK(contains(box.exec(container, {"ids"}, {"-g", group}).err, "--additional-gids"));
    }
    CHECK(contains(box.exec(container, {"true"}, {"--env", "novalue"}).err, "--env"));
    CHECK(contains(box.exec(container, {"true"}, {"--cap", "CAP_NONE"}).err, "--cap"));
    CHECK(contains(box.exec(container, {"true"}, {"--cwd", "tmp"}).err,
                   "--cwd: expected an absolute path, got \"tmp\""));
    CHECK(contains(box.exec(container, {"true"}, {"--preserve-fds", "-1"}).err,
                   "--preserve-fds: expected a number, got \"-1\""));
    CHECK(contains(box.call({"exec", "--unknown", container.id(), "true"}).err, "--unknown"));
    end(container);
}

TEST_CASE("exec --process: is obeyed as config.json is", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const Json document = process_document({"ids", "--", "rlimits", "--", "caps", "--", "env", "--",
                                            "cat", "/proc/self/oom_score_adj"},
                                           Json::parse(R"({
            "user": {"uid": 5, "gid": 6, "umask": 63, "additionalGids": [7, 8]},
            "env": ["ONLY=this"],
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 33, "hard": 35}],
            "capabilities": {"bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL"],
                             "effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"],
                             "ambient": ["CAP_KILL"]},
            "noNewPrivileges": true,
            "oomScoreAdj": 567
        })"));
    const Finished finished = exec_document(box, container, document);
    const std::string& out = finished.out;
    CHECK(finished.err == "");
    CAPTURE(out);
    CHECK(contains(out, "uid=5,5,5\ngid=6,6,6\ngroups=7,8\numask=0077\n"));
    CHECK(has_line(out, "NOFILE 33 35"));
    CHECK(value_of(out, "bounding") == "0000000000000021");
    CHECK(value_of(out, "effective") == "0000000000000020");
    CHECK(value_of(out, "inheritable") == "0000000000000020");
    CHECK(value_of(out, "ambient") == "0000000000000020");
    CHECK(value_of(out, "no_new_privs") == "1");
    CHECK(contains(out, "ONLY=this\nHOME=/\n567\n"));
    end(container);
}

TEST_CASE("exec --process: mistakes are named by their place", "[exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const auto said = [&](const Json& changes) {
        const Finished finished =
            exec_document(box, container, process_document({"true"}, changes));
        INFO(finished.err);
        CHECK(finished.code() == 255);
        CHECK(lines_of(finished.err).size() == 1);
        return finished.err;
    };
    CHECK(contains(said({{"cwd", "relative"}}),
                   "--process: /cwd: expected an absolute path, got \"relative\""));
    CHECK(contains(said({{"args", Json::array()}}), "/args"));
    CHECK(contains(said({{"user", {{"uid", 4294967295U}}}}), "/user/uid"));
    CHECK(contains(said({{"rlimits", {{{"type", "RLIMIT_X"}, {"soft", 1}, {"hard", 1}}}}}),
                   "/rlimits/0/type"));
    CHECK(contains(said({{"env", {"=x"}}}), "/env/0"));
    CHECK(contains(said({{"cwd", "/not/there"}}), "/process/cwd"));
    CHECK(contains(said({{"cwd", "/proc/self/fd/7"}}), "/process/cwd"));
    CHECK(contains(box.call({"exec", "--process", box / "none", container.id()}).err, "none"));
    write_file(box / "process.json", "{");
    CHECK(box.call({"exec", "--process", box / "process.json", container.id()}).code() == 255);
    CHECK(contains(box.call({"exec", "--process", box / "process.json", container.id(), "x"}).err,
                   "--process"));
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: the way out through a descriptor of the runtime is closed",
          "[exec][hostile][CVE-2024-21626]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    CommandOptions options;
    const UniqueFd host(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const int number : {3, 7, 8, 9}) options.fds.emplace_back(host.get(), number);
    for (int fd = 3; fd < 24; ++fd) {
        const std::string cwd = "/proc/self/fd/" + std::to_string(fd);
        CAPTURE(cwd);
        const Finished finished = box.exec(container, {"cwd"}, {"--cwd", cwd}, options);
        CHECK(finished.code() != 0);
        CHECK(finished.out == "");
    }
    end(container);
}

// What config.json asks for is what is in /proc/self/status, for init and for exec alike.
TEST_CASE("exec: credentials are exactly those, as of init", "[exec][capabilities]") {
    NEEDS(need_runtime());
    Box box;
    const Json sets = GENERATE(Json::parse(R"({})"),
                               Json::parse(R"({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"],
                        "effective": ["CAP_KILL"]})"),
                               Json::parse(R"({"bounding": ["CAP_KILL", "CAP_CHOWN"],
                        "permitted": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_CHOWN"],
                        "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]})"));
    const std::uint32_t uid = GENERATE(0U, 1000U);
    const bool no_new_privileges = GENERATE(false, true);
    CAPTURE(sets, uid, no_new_privileges);
    box.bundle.process()["capabilities"] = sets;
    box.bundle.process()["noNewPrivileges"] = no_new_privileges;
    box.bundle.process()["user"] = {{"uid", uid}, {"gid", 7}, {"additionalGids", {8, 9}}};
    const Strings wanted = {"field",  "CapInh", "CapPrm",     "CapEff", "CapBnd",
                            "CapAmb", "Groups", "NoNewPrivs", "Uid",    "Gid"};
    Strings commands = {"into", "/tmp/init", "--"};
    commands.insert(commands.end(), wanted.begin(), wanted.end());
    for (const char* word : {"--", "into", "/tmp/done", "--", "sleep"}) commands.emplace_back(word);
    box.bundle.args(commands);
    CreateOptions quiet;
    quiet.quiet = true;
    Container container = box.create(quiet);
    container.start();
    const fs::path done = box.bundle.in_rootfs("tmp/done");
    for (int i = 0; i < 2000 && !fs::exists(done); ++i) {
        let_time_pass(std::chrono::milliseconds{2});
    }
    const std::string of_init = read_file(box.bundle.in_rootfs("tmp/init"));
    const std::string of_exec = box.exec(container, wanted).out;
    CHECK(of_init == of_exec);
    CHECK(contains(of_exec, "NoNewPrivs:\t" + std::string(no_new_privileges ? "1" : "0")));
    CHECK(contains(of_exec, "Groups:\t8 9"));
    end(container);
}

TEST_CASE("exec --cap, --no-new-privs", "[exec][capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"] = Json::parse(
        R"({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]})");
    box.bundle.process()["noNewPrivileges"] = false;
    Container container = box.sleeper();
    const std::string out = box.exec(container, {"caps"}, {"--cap", "CAP_CHOWN"}).out;
    CHECK(value_of(out, "bounding") == "0000000000000021");
    CHECK(value_of(out, "effective") == "0000000000000021");
    CHECK(value_of(out, "ambient") == "0000000000000000");
    CHECK(value_of(out, "no_new_privs") == "0");
    CHECK(value_of(box.exec(container, {"caps"}, {"--no-new-privs"}).out, "no_new_privs") == "1");
    end(container);
}

TEST_CASE("exec --no-new-privs=false goes before the container's", "[exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["noNewPrivileges"] = true;
    Container container = box.sleeper();
    const auto of = [&](const Strings& flags) {
        return value_of(box.exec(container, {"caps"}, flags).out, "no_new_privs");
    };
    CHECK(of({}) == "1");
    CHECK(of({"--no-new-privs=false"}) == "0");
    end(container);
}

TEST_CASE("exec --process without capabilities has the container's", "[exec][capabilities]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"] = Json::parse(
        R"({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]})");
    Container container = box.sleeper();
    const std::string out = exec_document(box, container, process_document({"caps"})).out;
    CHECK(value_of(out, "bounding") == "0000000000000020");
    CHECK(value_of(out, "effective") == "0000000000000020");
    end(container);
}

// --- detach, descriptors ---------------------------------------------------------------------

TEST_CASE("exec --detach: leaves a child to the caller's subreaper", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    Stream out;
    const auto [finished, pid] = exec_detached(
        box, container, {"echo", "ready", "--", "trap", "TERM", "9"}, {}, out.write_end());
    REQUIRE(finished.code() == 0);
    CHECK(parent_of(pid) == getpid());
    CHECK(cgroups_of(std::to_string(pid)) == cgroups_of(std::to_string(container.pid())));
    out.wait_for("ready\nready");
    ::kill(pid, SIGTERM);
    CHECK(Finished{.status = wait_for_child(pid)}.code() == 9);
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: processes that are left behind end with the container", "[exec]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    CommandOptions options;
    options.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
    CHECK(box.exec(container, {"spawn", "3"}, {}, options).code() == 0);
    const auto [finished, pid] = exec_detached(box, container, {"sleep"});
    CHECK(finished.code() == 0);
    end(container, {pid});
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: has 0, 1 and 2 and what --preserve-fds names", "[exec][descriptors]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    write_file(box / "file", "text of the file\n");
    const UniqueFd file(open((box / "file").c_str(), O_RDONLY | O_CLOEXEC));
    CommandOptions options;
    for (const int number : {3, 4, 5, 12}) options.fds.emplace_back(file.get(), number);
    const auto numbers = [](const std::string& text) {
        Strings found;
        for (const std::string& line : lines_of(text))
            found.push_back(line.substr(0, line.find(' ')));
        return found;
    };
    CHECK(numbers(box.exec(container, {"fds"}, {}, options).out) == Strings{"0", "1", "2"});
    CHECK(numbers(box.exec(container, {"fds"}, {"--preserve-fds", "2"}, options).out) ==
          Strings{"0", "1", "2", "3", "4"});
    CHECK(box.exec(container, {"readfd", "3"}, {"--preserve-fds", "3"}, options).out ==
          "text of the file\n");
    CHECK(box.exec(container, {"fds"}, {"--preserve-fds", "4"}, options).code() != 0);
    if (enough_descriptors()) {
        // More than travel in one message.
        CommandOptions many;
        for (int number = 3; number < 43; ++number) many.fds.emplace_back(file.get(), number);
        const Strings flags = {"--preserve-fds", "40"};
        CHECK(numbers(box.exec(container, {"fds"}, flags, many).out).size() == 43);
    }
    end(container);
}

TEST_CASE("exec --pidfd-socket: gets the process", "[exec][not-crun]") {
    NEEDS(need_runtime());
    if (environment().runtime_name == "runc") return;  // Debian's is too old
    Box box;
    Container container = box.sleeper();
    ReceivingSocket socket(box / "pidfd.sock");
    const auto [finished, pid] =
        exec_detached(box, container, {"sleep"}, {"--pidfd-socket", socket.path()});
    REQUIRE(finished.code() == 0);
    const auto message = socket.receive();
    CHECK(message.text == "setns");
    const std::string info = read_file("/proc/self/fdinfo/" + std::to_string(message.fd.get()));
    CHECK(line_after(info, "Pid:") == std::to_string(pid));
    end(container, {pid});
}

// --- cgroups ---------------------------------------------------------------------------------

TEST_CASE("exec --cgroup: into one below the container's", "[exec][cgroup][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const auto directories = find_cgroups(box.name());
    REQUIRE_FALSE(directories.empty());
    for (const fs::path& directory : directories) {
        fs::create_directory(directory / "below");
        for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
            // Version 1: empty at first, and then it takes no process.
            if (environment().layout != CgroupLayout::kV2 && fs::exists(directory / file)) {
                write_file(directory / "below" / file, read_file(directory / file));
            }
        }
    }
    const auto [finished, pid] = exec_detached(box, container, {"sleep"}, {"--cgroup", "below"});
    CHECK(finished.err == "");
    REQUIRE(finished.code() == 0);
    for (const fs::path& directory : directories) {
        CAPTURE(directory);
        CHECK(read_file(directory / "below" / "cgroup.procs") == std::to_string(pid) + "\n");
    }
    for (const char* path : {"not-there", "..", "../..", "below/../..", "/../.."}) {
        CAPTURE(path);
        const Finished refused = box.exec(container, {"true"}, {"--cgroup", path});
        CHECK(refused.code() != 0);
        CHECK(refused.out == "");
    }
    CHECK(contains(box.exec(container, {"true"}, {"--cgroup", "nothing:below"}).err, "nothing"));
    CHECK(contains(box.exec(container, {"true"}, {"--cgroup", ".."}).err, "\"..\""));
    end(container, {pid});
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: beside init where the container's cgroup takes no processes", "[exec][cgroup]") {
    NEEDS(need_runtime());
    APPLIES(environment().layout == CgroupLayout::kV2);
    Box box;
    // A controller that the container's cgroup has to have.
    const bool pids = has_controller("pids");
    if (pids) {
        box.bundle.linux()["resources"]["pids"]["limit"] = 100;
    } else {
        REQUIRE(has_controller("hugetlb"));
        box.bundle.linux()["resources"]["hugepageLimits"] = {{{"pageSize", "2MB"}, {"limit", 0}}};
    }
    // As systemd in a container does: it moves to a cgroup below and passes controllers on.
    Container container = box.sleeper();
    const fs::path directory = cgroup_of(container.pid(), "pids");
    fs::create_directory(directory / "init.scope");
    write_file(directory / "init.scope" / "cgroup.procs", std::to_string(container.pid()));
    write_file(directory / "cgroup.subtree_control", pids ? "+pids" : "+hugetlb");
    const auto [finished, pid] = exec_detached(box, container, {"sleep"});
    CHECK(finished.err == "");
    REQUIRE(finished.code() == 0);
    CHECK(cgroups_of(std::to_string(pid)) == cgroups_of(std::to_string(container.pid())));
    end(container, {pid});
    CHECK(box.leftovers() == Strings{});
}

// --- hostile ---------------------------------------------------------------------------------

TEST_CASE("exec: nobody in the container reaches what joins it", "[exec][hostile][CVE-2019-5736]") {
    NEEDS(need_runtime());
    Box box;
    const bool may_trace = GENERATE(false, true);
    CAPTURE(may_trace);
    if (may_trace) {
        for (const char* set : {"bounding", "permitted", "effective"}) {
            box.bundle.process()["capabilities"][set].push_back("CAP_SYS_PTRACE");
        }
    }
    box.bundle.process()["noNewPrivileges"] = false;
    box.bundle.args({"hunt"});
    Container container = box.create();
    const std::string before = read_file(environment().runtime);
    container.start();
    container.out().wait_for("ready");
    const int times = may_trace ? 300 : 700;
    int failures = 0;
    for (int i = 0; i < times; ++i) {
        // One that may trace can also kill or stop what it traces: its own processes.
        if (box.exec(container, {"true"}).code() != 0) ++failures;
    }
    CHECK((may_trace || failures == 0));
    container.kill("TERM");
    CHECK(container.wait_code() == 0);
    const std::string out = container.out().wait_for_end();
    CAPTURE(out);
    CHECK(std::stol(value_of(out, "seen")) > times / 10);
    CHECK(value_of(out, "writable") == "0");
    CHECK(value_of(out, "descriptors") == "0");
    if (!may_trace) {
        CHECK(value_of(out, "memory") == "0");
        CHECK(value_of(out, "traced") == "0");
    }
    CHECK(read_file(environment().runtime) == before);
    container.remove();
}

TEST_CASE("exec: a program that is #!/proc/self/exe", "[exec][hostile][CVE-2019-5736]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("trap"), "#!/proc/self/exe\n", 0755);
    Container container = box.sleeper();
    const std::string before = read_file(environment().runtime);
    CHECK(box.call({"exec", container.id(), "/trap"}).code() != 0);
    CHECK(read_file(environment().runtime) == before);
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: twenty at once", "[exec]") {
    NEEDS(need_runtime());
    APPLIES(enough_descriptors());
    Box box;
    Container container = box.sleeper();
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < 20; ++i) {
        processes.push_back(std::make_unique<Process>(
            box.command_line(box.exec_line(container, {"echo", std::to_string(i)}))));
    }
    for (int i = 0; i < 20; ++i) {
        const Finished finished = processes[static_cast<std::size_t>(i)]->wait();
        CHECK(finished.code() == 0);
        CHECK(finished.out == std::to_string(i) + "\n");
    }
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: in a container that keeps its monitor", "[exec][monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    CreateOptions options;
    options.global = {"--monitor", "keep"};
    box.bundle.args({"sleep"});
    options.quiet = true;
    Container container = box.create(options);
    container.start();
    CHECK(box.exec(container, {"pid"}).out.starts_with("pid="));
    CHECK(box.exec(container, {"exit", "3"}).code() == 3);
    end(container);
}

TEST_CASE("exec: only some namespaces", "[exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const fs::path probe = environment().probe;
    const std::string out =
        box.call({"exec", "--net", "--uts", container.id(), probe.string(), "ns"}).out;
    const std::string init = "/proc/" + std::to_string(container.pid()) + "/ns/";
    CHECK(has_line(out, fs::read_symlink(init + "net").string()));
    CHECK(has_line(out, fs::read_symlink(init + "uts").string()));
    CHECK(has_line(out, fs::read_symlink("/proc/self/ns/mnt").string()));
    CHECK(has_line(out, fs::read_symlink("/proc/self/ns/pid").string()));
    end(container);
}

TEST_CASE("exec: a program of the container is never root of the host", "[exec][userns][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.add_namespace("user");
    const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    box.bundle.linux()["uidMappings"] = mapping;
    box.bundle.linux()["gidMappings"] = mapping;
    fs::permissions(box.bundle.path().parent_path(), fs::perms(0755));
    Container container = box.sleeper();
    CHECK(box.exec(container, {"write", "/tmp/made", "x"}, {"--mnt"}).code() == 0);
    struct stat status {};
    REQUIRE(stat(box.bundle.in_rootfs("tmp/made").c_str(), &status) == 0);
    CHECK(status.st_uid == 100000);
    end(container);
}

TEST_CASE("exec: has the session keyring of the container", "[exec][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args(
        {"into", "/tmp/ring", "--", "keyring", "--", "into", "/tmp/done", "--", "sleep"});
    CreateOptions quiet;
    quiet.quiet = true;
    Container container = box.create(quiet);
    container.start();
    const fs::path done = box.bundle.in_rootfs("tmp/done");
    for (int i = 0; i < 2000 && !fs::exists(done); ++i) let_time_pass(std::chrono::milliseconds{2});
    const std::string of_init = read_file(box.bundle.in_rootfs("tmp/ring"));
    CHECK(contains(of_init, "serial="));
    CHECK(box.exec(container, {"keyring"}).out == of_init);
    CHECK(box.exec(container, {"keyring"}).out == of_init);
    end(container);
}

TEST_CASE("exec: a helper that the container has stopped ends with its caller",
          "[exec][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"stop-others"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    {
        Process process(box.command_line(box.exec_line(container, {"sleep"})));
        container.out().wait_for("stopped");
        // On a busy machine it was too late: then `sleep` has been started, and a SIGTERM would be
        // passed on to it.
        process.signal(SIGKILL);
        process.wait_exit_only();
    }
    container.kill();
    // Whatever has joined is ours to reap, and has to be dead.
    (void)wait_for_children(kDeadline, {});
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec --process --cap in a container without a process", "[exec][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config.erase("process");
    CreateOptions quiet;
    quiet.quiet = true;
    Container container = box.create(quiet);
    const Finished finished =
        exec_document(box, container, process_document({"caps"}), {"--cap", "CAP_KILL"});
    CHECK(value_of(finished.out, "effective") == "0000000000000020");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    wait_for_child(container.pid());
}

TEST_CASE("exec: goes where init is when the container's cgroup has gone",
          "[exec][cgroup][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const fs::path old_place = cgroup_of(container.pid(), "pids");
    REQUIRE(old_place != "");
    const fs::path new_place = old_place.parent_path() / (box.name() + "-elsewhere");
    fs::create_directory(new_place);
    write_file(new_place / "cgroup.procs", std::to_string(container.pid()));
    REQUIRE(::rmdir(old_place.c_str()) == 0);
    const Finished finished = box.exec(container, {"cat", "/proc/self/cgroup"});
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, box.name() + "-elsewhere"));
    CHECK(box.exec(container, {"true"}, {"--cgroup", "/x"}).code() != 0);
    container.kill();
    (void)container.wait();
    container.remove();
    CHECK(::rmdir(new_place.c_str()) == 0);
}

TEST_CASE("exec: a helper that cannot be executed is named, and why", "[exec][create][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path installed = box.runtime().parent_path().parent_path() / "libexec/lxcri";
    const fs::path helpers = box / "helpers";
    fs::create_directory(helpers);
    for (const std::string& name : names_in(installed)) {
        fs::copy_file(installed / name, helpers / name);
    }
    const std::string name = GENERATE(as<std::string>(), "lxcri-start", "lxcri-init", "lxcri-exec");
    CAPTURE(name);
    const auto [content, mode, why] = GENERATE_COPY(table<std::string, int, std::string>(
        {{"", 0644, "permission denied"},
         {"no program", 0755, name == "lxcri-start" ? "xec format error" : "is damaged"}}));
    CAPTURE(why);
    write_file(helpers / name, content);
    fs::permissions(helpers / name, fs::perms(mode));
    std::string text;
    if (name == "lxcri-exec") {
        Container container = box.sleeper();
        text = run_command({box.runtime(), "--root", box.root(), "--libexec", helpers, "exec",
                            container.id(), "/probe", "true"})
                   .err;
        container.kill();
        container.wait();
        container.remove();
    } else {
        CreateOptions options;
        options.global = {"--libexec", helpers};
        text = box.refusal(options);
    }
    CAPTURE(text);
    CHECK(contains(text, (helpers / name).string()));
    CHECK(contains(text, why));
}

TEST_CASE("exec, create: the program alone in another place finds what is installed",
          "[exec][create][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("unshare"));
    Box box;
    const fs::path prefix = box.runtime().parent_path().parent_path();
    fs::create_directories(box / "elsewhere/bin");
    const fs::path alone = box / "elsewhere/bin/lxcri";
    fs::copy_file(box.runtime(), alone);
    box.bundle.args({"exit", "6"}).write();
    const std::string id = box.new_id();
    const Strings run = {alone, "--root", box.root(), "run", "--bundle", box.bundle.path(), id};
    const Finished none = run_command(run);
    CAPTURE(none.err);
    CHECK(none.code() == 1);
    CHECK(contains(none.err, (box / "elsewhere/libexec/lxcri/lxcri-start").string()));
    const std::string before = "it is not in \"";
    const std::size_t at = none.err.find(before);
    REQUIRE(at != std::string::npos);
    const std::string place = none.err.substr(
        at + before.size(), none.err.find('"', at + before.size()) - at - before.size());
    // The prefix that it was built for need not be there: as if it were.
    const std::string script =
        "d=$1; while [ ! -d \"$d\" ]; do d=${d%/*}; done; mount -t tmpfs t \"$d\" && "
        "mkdir -p \"$1\" && mount --bind \"$2\" \"$1\" && shift 2 && exec \"$@\"";
    Strings line = {find_program("unshare"), "-m", "sh", "-c", script, "sh", place,
                    prefix / "libexec/lxcri"};
    line.insert(line.end(), run.begin(), run.end());
    const Finished found = run_command(line);
    CAPTURE(found.err);
    CHECK(found.code() == 6);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("exec: the container's first thread has ended, others go on",
          "[exec][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.args({"end-first-thread"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CHECK(container.status() == "running");
    // Ours to see when it has: "ready" is said by the other one.
    const fs::path tasks = "/proc/" + std::to_string(container.pid()) + "/task";
    while (fs::exists(tasks.parent_path() / "ns/mnt")) let_time_pass(milliseconds{1});
    std::string expected;
    for (const std::string& tid : names_in(tasks)) {
        if (tid == std::to_string(container.pid())) continue;
        for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
            expected += fs::read_symlink(tasks / tid / "ns" / kind).string() + "\n";
        }
    }
    CHECK(container.status() == "running");
    const Finished said = box.exec(container, {"ns"});
    if (said.code() == 0) {
        CHECK(said.out == expected);
    } else {
        CHECK(contains(said.err, "takes Linux 6.9"));
    }
    end(container);
    CHECK(box.leftovers() == Strings{});
}

// A caller that passes thousands of descriptors fills the socket before it is read.
TEST_CASE("exec: a helper that is frozen before it reads ends it at the deadline",
          "[exec][pause][descriptors][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("python3"));
    APPLIES(!is_virtual_machine());  // ten thousand traced calls take too long in an emulation
    APPLIES(enough_descriptors());
    Box box;
    Container container = box.sleeper();
    const std::string program =
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (5100, 5100))\n"
        "for number in range(3, 5003): os.dup2(0, number)\n"
        "os.execv(sys.argv[1], sys.argv[1:])";
    Strings line = {find_program("python3"), "-c", program};
    for (const auto& word : box.command_line({"--create-timeout", "1", "exec", "--preserve-fds",
                                              "5000", container.id(), "/probe", "true"})) {
        line.push_back(word);
    }
    CommandOptions options;
    options.timeout = milliseconds{20'000};
    const Traced traced = run_and_interrupt(line, options, SYS_clone3, [&] {
        CHECK(box.call({"pause", container.id()}).code() == 0);
    });
    CHECK(traced.killed);
    CHECK_FALSE(traced.hung);
    CHECK(traced.command.code() == 255);
    CHECK(contains(traced.command.err, "was not ready within 1 seconds"));
    CHECK(box.call({"resume", container.id()}).code() == 0);
    end(container);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("delete --force: says whom the container process waits for", "[exec][delete][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const pid_t pid = exec_detached(box, container, {"sleep"}).pid;
    REQUIRE(pid > 0);
    // It is ours to reap, and we do not.
    const Finished said = box.call({"--delete-timeout", "1", "delete", "--force", container.id()});
    CHECK(said.code() == 1);
    CHECK(contains(said.err, "the caller has not reaped them"));
    (void)wait_for_child(pid);
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
}
