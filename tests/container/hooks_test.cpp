// hooks: the six kinds, their order, namespaces, input, environment, failures, timeouts.
// The hook program is the probe: it appends what it sees to a file outside of the container.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

Json hook(const Strings& arguments, const std::string& path = environment().probe) {
    Json args = {"hook-of-the-test"};
    for (const std::string& argument : arguments) args.push_back(argument);
    return {{"path", path}, {"args", args}};
}

// A hook that notes a word and then does more.
Json note(const fs::path& file, const std::string& word, const Strings& more = {}) {
    Strings arguments = {"into", file, "--", "echo", word};
    if (!more.empty()) arguments.emplace_back("--");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return hook(arguments);
}

Json fail(const std::string& text) {
    return hook({"error", text, "--", "exit", "3"});
}

constexpr const char* kCreateHooks[] = {"prestart", "createRuntime", "createContainer"};
constexpr const char* kHostHooks[] = {"prestart", "createRuntime", "poststart", "poststop"};

}  // namespace

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
    for (const char* kind :
         {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
        hooks[kind] = {hook({"into", box / kind, "--", "stdin"})};
    }
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    const pid_t pid = container.pid();
    container.kill("KILL");
    (void)container.wait();
    container.remove();
    for (const char* kind :
         {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
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
        if (name == "prestart" || name == "createRuntime") CHECK(state.at("status") == "creating");
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
}

TEST_CASE("hooks: run in the namespaces that the spec says", "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Json& hooks = box.bundle.config["hooks"];
    for (const char* kind :
         {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
        hooks[kind] = {hook({"into", box / kind, "--", "ns"})};
    }
    hooks["startContainer"] = {hook({"into", "/tmp/startContainer", "--", "ns"}, "/probe")};
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

TEST_CASE("hooks: without env the environment is empty", "[hooks][not-runc][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "prestart", "createRuntime",
                                      "createContainer", "poststart", "poststop");
    box.bundle.config["hooks"][kind] = {hook({"into", box / "env", "--", "env"})};
    write_file(box / "env", "");
    CreateOptions options;
    options.command.environment = Strings{"SECRET=1", "PATH=/bin"};
    CHECK(box.life({"true"}, options).code == 0);
    CHECK(read_file(box / "env") == "");
}

TEST_CASE("hooks: have clean descriptors and signals", "[hooks][not-runc][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    for (const char* kind :
         {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
        box.bundle.config["hooks"][kind] = {
            hook({"into", box / kind, "--", "fds", "--", "signals"})};
    }
    CHECK(box.life({"true"}).code == 0);
    for (const char* kind :
         {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
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
        box.bundle.config["hooks"][kind] = {hook({"echo", "hook was here"})};
    }
    box.bundle.config["hooks"]["startContainer"] = {hook({"echo", "hook was here"}, "/probe")};
    CHECK(box.life({"echo", "program"}).out == "program\n");
}

TEST_CASE("hooks: one that does not read its stdin is no failure", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    // More annotations than a pipe holds.
    box.bundle.config["annotations"] = {{"org.example.long", std::string(200'000, 'x')}};
    for (const char* kind : kCreateHooks) {
        box.bundle.config["hooks"][kind] = {hook({"true"})};
    }
    CHECK(box.life({"true"}).code == 0);
}

TEST_CASE("hooks: a failing one at create is an error, and nothing stays", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    CAPTURE(kind);
    box.bundle.config["hooks"][kind] = {fail("the reason"), note(box / "log", "second")};
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.err != "");
    CHECK(box.leftovers() == Strings{});
    CHECK(read_file(box / "log") == "");
}

TEST_CASE("hooks: the error names the hook and repeats what it said", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    box.bundle.config["hooks"][kind] = {hook({"true"}), fail("the reason")};
    const std::string text = box.refusal();
    CHECK(contains(text, kind));
    CHECK(contains(text, "the reason"));
    CHECK(contains(text, "3"));
    CHECK(lines_of(text).size() == 1);
}

TEST_CASE("hooks: after a failed create the poststop hooks run", "[hooks][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["createRuntime"] = {fail("the reason")};
    box.bundle.config["hooks"]["poststop"] = {note(box / "log", "poststop")};
    CHECK(box.try_create().created.code() == 1);
    CHECK(read_file(box / "log") == "poststop\n");
}

TEST_CASE("hooks: a failing startContainer hook stops the container", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["startContainer"] = {
        hook({"error", "the reason", "--", "exit", "3"}, "/probe")};
    box.bundle.args({"write", "/tmp/ran", "yes"});
    Container container = box.create();
    (void)box.call({"start", container.id()});
    CHECK(container.wait_code() != 0);
    CHECK(!fs::exists(box.bundle.in_rootfs("tmp/ran")));
}

TEST_CASE("hooks: a failing poststart hook stops the container and start fails", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststart"] = {fail("the reason")};
    box.bundle.args({"sleep"});
    Container container = box.create();
    const Finished started = box.call({"start", container.id()});
    CHECK(started.code() != 0);
    CHECK(container.wait_code() == -SIGKILL);
}

TEST_CASE("hooks: a failing poststop hook is no failure, the others run", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = {fail("the reason"), note(box / "log", "second")};
    CHECK(box.life({"true"}).code == 0);
    CHECK(read_file(box / "log") == "second\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: one that takes too long is killed and failed", "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "prestart", "createContainer");
    CAPTURE(kind);
    Json sleeper = hook({"sleep"});
    sleeper["timeout"] = 1;
    box.bundle.config["hooks"][kind] = {sleeper};
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.duration < std::chrono::seconds(5));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: a program that is not there is an error", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    box.bundle.config["hooks"][kind] = {{{"path", "/not/there"}}};
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: no path, a relative path, or a timeout that is not positive is an error",
          "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "prestart", "poststop");
    SECTION("no path") {
        box.bundle.config["hooks"][kind] = {{{"args", {"x"}}}};
    }
    SECTION("a relative path") {
        box.bundle.config["hooks"][kind] = {{{"path", "probe"}}};
    }
    SECTION("timeout 0") {
        box.bundle.config["hooks"][kind] = {{{"path", environment().probe}, {"timeout", 0}}};
    }
    SECTION("timeout below") {
        box.bundle.config["hooks"][kind] = {{{"path", environment().probe}, {"timeout", -1}}};
    }
    CHECK(contains(box.refusal(), "/hooks/" + kind + "/0"));
}

TEST_CASE("hooks: poststop runs for delete --force too", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = {note(box / "log", "poststop")};
    box.bundle.args({"sleep"});
    Container container = box.create();
    container.start();
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(read_file(box / "log") == "poststop\n");
}
