// hooks: the six kinds, their order, namespaces, input, environment. What becomes of their failures
// is in hooks_failure_test.cpp.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A bundle whose hooks and program all write into one file; kinds as given.
fs::path log_everything(Box& box, const Strings& kinds) {
    const fs::path log = box / "log";
    write_file(log, "", 0666);
    for (const std::string& kind : kinds) {
        box.bundle.config["hooks"][kind] = {note(log, kind + " 1"), note(log, kind + " 2")};
    }
    box.bundle.add_mount(
        {{"destination", "/log"}, {"type", "bind"}, {"source", log}, {"options", {"bind"}}});
    box.bundle.config["hooks"]["startContainer"] = {
        hook({"into", "/log", "--", "echo", "startContainer 1"}, "/probe"),
        hook({"into", "/log", "--", "echo", "startContainer 2"}, "/probe")};
    box.bundle.args({"into", "/log", "--", "echo", "program"});
    return log;
}

}  // namespace

TEST_CASE("hooks: each kind runs at its time, in the order of the list", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path log =
        log_everything(box, {"poststop", "createContainer", "createRuntime", "prestart"});
    Strings expected = {"prestart 1",      "prestart 2",        "createRuntime 1",
                        "createRuntime 2", "createContainer 1", "createContainer 2"};
    Container container = box.create();
    CHECK(lines_of(read_file(log)) == expected);
    container.start();
    CHECK(container.wait_code() == 0);
    expected.insert(expected.end(), {"startContainer 1", "startContainer 2", "program"});
    CHECK(lines_of(read_file(log)) == expected);
    container.remove();
    expected.insert(expected.end(), {"poststop 1", "poststop 2"});
    CHECK(lines_of(read_file(log)) == expected);
}

TEST_CASE("hooks: poststart runs after the startContainer hooks, before start returns",
          "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path log = log_everything(box, {"poststart"});
    Container container = box.create();
    CHECK(read_file(log) == "");
    container.start();
    const std::string text = read_file(log);
    const std::size_t first = text.find("poststart 1");
    REQUIRE(first != std::string::npos);
    CHECK(text.find("startContainer 2") < first);
    CHECK(text.find("poststart 2") > first);
    CHECK(text.find("poststart 2") != std::string::npos);
    CHECK(container.wait_code() == 0);
}

TEST_CASE("hooks: get the state on stdin", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["annotations"] = {{"org.example.key", "value"}};
    Json& hooks = box.bundle.config["hooks"];
    for (const char* kind : kOutsideHooks) {
        hooks[kind] = Json::array({hook({"into", box / kind, "--", "stdin"})});
    }
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    const pid_t pid = container.pid();
    container.kill("KILL");
    (void)container.wait();
    container.remove();
    for (const char* kind : kOutsideHooks) {
        CAPTURE(kind);
        const Json state = Json::parse(read_file(box / kind));
        CHECK(state.at("id") == container.id());
        CHECK(state.at("bundle") == box.bundle.path().string());
        CHECK(state.at("annotations") == box.bundle.config["annotations"]);
        CHECK(state.at("ociVersion").is_string());
        const std::string name = kind;
        if (name == "prestart" || name == "createRuntime" || name == "poststart") {
            CHECK(state.at("pid") == pid);
        }
        if (name == "poststop") CHECK(state.at("status") == "stopped");
        if (environment().runtime_name != "lxcri") continue;  // the others are of an older spec
        if (name == "poststop") CHECK(!state.contains("pid"));
        if (name == "prestart" || name == "createRuntime" || name == "createContainer") {
            CHECK(state.at("status") == "creating");
        }
        if (name == "poststart") CHECK(state.at("status") == "running");
    }
}

TEST_CASE("hooks: startContainer gets the state on stdin too", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["startContainer"] = {
        hook({"into", "/tmp/state", "--", "stdin"}, "/probe")};
    CHECK(box.life({"true"}).code == 0);
    const Json state = Json::parse(read_file(box.bundle.in_rootfs("tmp/state")));
    CHECK(state.at("id") == box.name());
    if (environment().runtime_name == "lxcri") CHECK(state.at("status") == "created");
}

TEST_CASE("hooks: the state's pid is the one that the hook itself sees", "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const bool own_namespace = GENERATE(true, false);
    CAPTURE(own_namespace);
    if (!own_namespace) box.bundle.remove_namespace("pid");
    Json& hooks = box.bundle.config["hooks"];
    hooks["createContainer"] =
        Json::array({hook({"into", box / "createContainer", "--", "stdin"})});
    hooks["startContainer"] =
        Json::array({hook({"into", "/tmp/startContainer", "--", "stdin"}, "/probe")});
    box.bundle.args({"sleep"});
    Container container = box.create();
    container.start();
    const int expected = own_namespace ? 1 : container.pid();
    CHECK(Json::parse(read_file(box / "createContainer")).at("pid") == expected);
    CHECK(Json::parse(read_file(box.bundle.in_rootfs("tmp/startContainer"))).at("pid") == expected);
    container.kill();
    (void)container.wait();
    container.remove();
}

TEST_CASE("hooks: run in the foreground and detached runs each kind at its time",
          "[hooks][run][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const bool detached = GENERATE(true, false);
    CAPTURE(detached);
    const fs::path log = log_everything(
        box, {"poststop", "poststart", "createContainer", "createRuntime", "prestart"});
    box.bundle.args({"true"}).write();
    Strings line = {"run", "--bundle", box.bundle.path()};
    if (detached) line.emplace_back("--detach");
    line.push_back(box.new_id());
    CHECK(box.call(line).code() == 0);
    if (detached) CHECK(box.call({"delete", "--force", box.name()}).code() == 0);
    Strings expected;
    for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer",
                             "poststart", "poststop"}) {
        for (const char* number : {" 1", " 2"}) expected.push_back(std::string(kind) + number);
    }
    CHECK(lines_of(read_file(log)) == expected);
}

TEST_CASE("hooks: run in the namespaces that the spec says", "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Json& hooks = box.bundle.config["hooks"];
    for (const char* kind : kOutsideHooks) {
        hooks[kind] = Json::array({hook({"into", box / kind, "--", "ns"})});
    }
    hooks["startContainer"] =
        Json::array({hook({"into", "/tmp/startContainer", "--", "ns"}, "/probe")});
    const Outcome outcome = box.life({"ns"});
    const auto own = [](const std::string& kind) {
        return fs::read_symlink("/proc/self/ns/" + kind).string();
    };
    for (const char* kind : kHostHooks) {
        CAPTURE(kind);
        const std::string text = read_file(box / kind);
        for (const char* space : {"net", "pid", "uts", "ipc", "cgroup"}) {
            CAPTURE(space);
            CHECK(has_line(text, own(space)));
        }
    }
    for (const char* space : {"mnt", "net", "uts", "ipc"}) {
        CAPTURE(space);
        std::string inside;
        for (const std::string& line : lines_of(outcome.out)) {
            if (line.starts_with(space)) inside = line;
        }
        CHECK(has_line(read_file(box / "createContainer"), inside));
        CHECK(has_line(read_file(box.bundle.in_rootfs("tmp/startContainer")), inside));
    }
}

TEST_CASE("hooks: the container's mounts are made when createContainer hooks run",
          "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const std::string proc = box.bundle.in_rootfs("proc");
    box.bundle.config["hooks"]["createContainer"] = {
        hook({"into", box / "inside", "--", "statfs", proc, "--", "hostname"})};
    box.bundle.config["hooks"]["createRuntime"] = {
        hook({"into", box / "outside", "--", "statfs", proc, "--", "hostname"})};
    CHECK(box.life({"true"}).code == 0);
    CHECK(contains(read_file(box / "inside"), " 9fa0 "));
    CHECK(!contains(read_file(box / "outside"), " 9fa0 "));
}

TEST_CASE("hooks: a createRuntime hook can work on the network namespace", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "script",
               "#!/bin/sh\n"
               "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
               "readlink /proc/$pid/ns/net >" +
                   (box / "net").string() + "\n",
               0755);
    box.bundle.config["hooks"]["createRuntime"] = {
        {{"path", box / "script"}, {"env", {"PATH=/usr/bin:/bin"}}}};
    const Outcome outcome = box.life({"ns"});
    CHECK(has_line(outcome.out, lines_of(read_file(box / "net")).at(0)));
}

TEST_CASE("hooks: args are all of argv, env is all of the environment", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box / "script", "#!/bin/sh\necho \"$#:$1:$2\" >>" + (box / "args").string() + "\n",
               0755);
    Json with_env = hook({"into", box / "env", "--", "env"});
    with_env["env"] = {"ONE=1", "TWO=two words"};
    box.bundle.config["hooks"]["createRuntime"] = {
        {{"path", box / "script"}, {"args", {"zero", "a b", ""}}, {"env", {"PATH=/bin"}}},
        {{"path", box / "script"}, {"env", {"PATH=/bin"}}},
        with_env};
    CHECK(box.life({"true"}).code == 0);
    CHECK(read_file(box / "args") == "2:a b:\n0::\n");
    CHECK(read_file(box / "env") == "ONE=1\nTWO=two words\n");
}

// runc runs createContainer hooks without any.
TEST_CASE("hooks: without env the environment is that of the runtime", "[hooks][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    Json& hooks = box.bundle.config["hooks"];
    for (const std::string kind : kOutsideHooks) {
        Json with_empty = hook({"into", box / (kind + "-empty"), "--", "env"});
        with_empty["env"] = Json::array();
        hooks[kind] = {hook({"into", box / kind, "--", "env"}), with_empty};
        write_file(box / (kind + "-empty"), "");
    }
    box.bundle.process()["env"] = {"OWN=1"};
    box.bundle.args({"true"});
    const CommandOptions command{.environment = Strings{"WORD=of the runtime", "PATH=/bin"}};
    CreateOptions options;
    options.command = command;
    Container container = box.create(options);
    CHECK(box.call({"start", container.id()}, command).code() == 0);
    CHECK(container.wait_code() == 0);
    CHECK(box.call({"delete", container.id()}, command).code() == 0);
    for (const std::string kind : kOutsideHooks) {
        CAPTURE(kind);
        const std::string env = read_file(box / kind);
        CHECK(has_line(env, "WORD=of the runtime"));
        CHECK(has_line(env, "PATH=/bin"));
        CHECK(!contains(env, "OWN="));
        CHECK(read_file(box / (kind + "-empty")) == "");
    }
}

TEST_CASE("hooks: have clean descriptors and signals", "[hooks][not-runc][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* kind : kOutsideHooks) {
        box.bundle.config["hooks"][kind] = {
            hook({"into", box / kind, "--", "fds", "--", "signals"})};
    }
    CHECK(box.life({"true"}).code == 0);
    for (const char* kind : kOutsideHooks) {
        const std::string text = read_file(box / kind);
        CAPTURE(kind, text);
        CHECK(value_of(text, "blocked") == "");
        CHECK(value_of(text, "ignored") == "");
        CHECK(lines_of(text).size() == 5);  // 0, 1, 2 and the two lines of signals
    }
}

TEST_CASE("hooks: what they print is not the container's output", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* kind : kCreateHooks) {
        box.bundle.config["hooks"][kind] = Json::array({hook({"echo", "hook was here"})});
    }
    box.bundle.config["hooks"]["startContainer"] =
        Json::array({hook({"echo", "hook was here"}, "/probe")});
    CHECK(box.life({"echo", "program"}).out == "program\n");
}

TEST_CASE("hooks: one that does not read its stdin is no failure", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    // More annotations than a pipe holds.
    box.bundle.config["annotations"] = {{"org.example.long", std::string(200'000, 'x')}};
    for (const char* kind : kOutsideHooks) {
        // Its start and delete die of SIGPIPE.
        if (environment().runtime_name == "crun" && std::string(kind).starts_with("post")) continue;
        box.bundle.config["hooks"][kind] = Json::array({hook({"true"})});
    }
    box.bundle.config["hooks"]["startContainer"] = Json::array({hook({"true"}, "/probe")});
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("hooks: poststop runs for delete --force too", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "log", "poststop")});
    box.bundle.args({"sleep"});
    Container container = box.create();
    container.start();
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(read_file(box / "log") == "poststop\n");
}

TEST_CASE("hooks: poststop runs although the bundle has gone", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] =
        Json::array({hook({"into", box / "log", "--", "cwd"})});
    Container container = box.create();
    container.start();
    (void)container.wait();
    fs::rename(box.bundle.path() / "config.json", box / "config.json");
    fs::rename(box.bundle.path(), box / "elsewhere");
    container.remove();
    CHECK(read_file(box / "log") == "/\n");
    fs::rename(box / "elsewhere", box.bundle.path());
}

TEST_CASE("hooks: where they start: the bundle, the root filesystem, the cwd of the process",
          "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Json& hooks = box.bundle.config["hooks"];
    for (const char* kind : kOutsideHooks)
        hooks[kind] = Json::array({hook({"into", box / kind, "--", "cwd"})});
    hooks["startContainer"] =
        Json::array({hook({"into", "/tmp/startContainer", "--", "cwd"}, "/probe")});
    box.bundle.process()["cwd"] = "/etc";
    CreateOptions options;
    options.command.working_directory = box.bundle.path();  // peers stay where they are
    CHECK(box.life({"true"}, options).code == 0);
    for (const char* kind : {"prestart", "createRuntime"}) {
        CAPTURE(kind);
        CHECK(read_file(box / kind) == box.bundle.path().string() + "\n");
    }
    // For peers it depends on where `start` and `delete` are called.
    if (environment().runtime_name == "lxcri") {
        CHECK(read_file(box / "poststart") == box.bundle.path().string() + "\n");
        CHECK(read_file(box / "poststop") == box.bundle.path().string() + "\n");
    }
    // Whatever its name is before the root changes: the mount of the root filesystem.
    CHECK(read_file(box / "createContainer") != box.bundle.path().string() + "\n");
    CHECK(read_file(box.bundle.in_rootfs("tmp/startContainer")) == "/etc\n");
}

TEST_CASE("hooks: createContainer starts where the container's files are", "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    write_file(box.bundle.in_rootfs("mark"), "found\n");
    box.bundle.config["hooks"]["createContainer"] = {
        hook({"into", box / "log", "--", "cat", "mark"})};
    CHECK(box.life({"true"}).code == 0);
    CHECK(read_file(box / "log") == "found\n");
}

TEST_CASE("hooks: a startContainer hook without env has that of the process", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["env"] = {"PATH=/bin", "OWN=1"};
    Json& hooks = box.bundle.config["hooks"]["startContainer"];
    hooks = {hook({"into", "/tmp/absent", "--", "env"}, "/probe"),
             hook({"into", "/tmp/empty", "--", "env"}, "/probe"),
             hook({"into", "/tmp/given", "--", "env"}, "/probe")};
    hooks[1]["env"] = Json::array();
    hooks[2]["env"] = {"GIVEN=1"};
    CHECK(box.life({"true"}).code == 0);
    CHECK(has_line(read_file(box.bundle.in_rootfs("tmp/absent")), "OWN=1"));
    CHECK(read_file(box.bundle.in_rootfs("tmp/empty")) == "");
    CHECK(read_file(box.bundle.in_rootfs("tmp/given")) == "GIVEN=1\n");
}

TEST_CASE("hooks: those of the runtime namespace are outside of the container's cgroup",
          "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    Json& hooks = box.bundle.config["hooks"];
    for (const char* kind : kOutsideHooks) {
        hooks[kind] = Json::array({hook({"into", box / kind, "--", "cat", "/proc/self/cgroup"})});
    }
    CHECK(box.life({"true"}).code == 0);
    for (const char* kind : kHostHooks) {
        CAPTURE(kind);
        REQUIRE(read_file(box / kind) != "");
        CHECK(!contains(read_file(box / kind), box.name()));
    }
    // That one is a process of the container.
    CHECK(read_file(box / "createContainer") != "");
}

TEST_CASE("hooks: limits are in force when createRuntime runs, and it may change them",
          "[hooks][cgroup][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("pids"));
    Box box;
    write_file(box / "script",
               "#!/bin/sh\n"
               "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
               "IFS=:\n"
               "while read -r _ controllers path; do\n"
               "  case $controllers in\n"
               "    pids) dir=/sys/fs/cgroup/pids$path ;;\n"
               "    '') [ -n \"$dir\" ] || dir=/sys/fs/cgroup$path ;;\n"
               "  esac\n"
               "done </proc/$pid/cgroup\n"
               "cat $dir/pids.max >" +
                   (box / "seen").string() + "\necho 77 >$dir/pids.max\n",
               0755);
    box.bundle.config["hooks"]["createRuntime"] = {
        {{"path", box / "script"}, {"env", {"PATH=/usr/bin:/bin"}}}};
    box.bundle.linux()["resources"]["pids"]["limit"] = 99;
    box.bundle.args({"sleep"});
    Container container = box.create();
    CHECK(read_file(box / "seen") == "99\n");
    CHECK(read_file(cgroup_of(container.pid(), "pids") / "pids.max") == "77\n");
    container.kill();
    (void)container.wait();
    container.remove();
}

TEST_CASE("hooks: limits too low for setting up do not disturb hooks", "[hooks][cgroup][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("pids"));
    Box box;
    box.bundle.config["hooks"]["createRuntime"] = Json::array({hook({"true"})});
    box.bundle.config["hooks"]["createContainer"] = Json::array({hook({"true"})});
    box.bundle.linux()["resources"]["pids"]["limit"] = 1;
    CHECK(box.life({"true"}).code == 0);
}
