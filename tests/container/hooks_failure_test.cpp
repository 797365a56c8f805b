// hooks: what becomes of a container when one of its hooks fails.
// The sentences are those of runtime-spec 1.3 runtime.md, "Lifecycle".
#include <signal.h>

#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("hooks: a failing one at create is an error, and nothing stays", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    CAPTURE(kind);
    box.bundle.config["hooks"][kind] = {failing_hook("the reason"), note(box / "log", "second")};
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
    box.bundle.config["hooks"][kind] = {hook({"true"}), failing_hook("the reason")};
    const std::string text = box.refusal();
    CHECK(contains(text, kind));
    CHECK(contains(text, "the reason"));
    CHECK(contains(text, "3"));
    CHECK(lines_of(text).size() == 1);
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

TEST_CASE("hooks: after a failed create the poststop hooks run", "[hooks][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    CAPTURE(kind);
    box.bundle.config["hooks"][kind] = Json::array({failing_hook("the reason")});
    box.bundle.config["hooks"]["poststop"] =
        Json::array({hook({"into", box / "log", "--", "stdin"})});
    CHECK(box.try_create().created.code() == 1);
    const Json state = Json::parse(read_file(box / "log"));
    CHECK(state.at("status") == "stopped");
    CHECK(!state.contains("pid"));
}

TEST_CASE("hooks: poststop runs when create fails after the other hooks", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    CAPTURE(kind);
    box.bundle.config["hooks"][kind] = Json::array({hook({"true"})});
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "log", "poststop")});
    box.bundle.process()["args"] = {"/not-there"};
    CHECK(contains(box.refusal(), "/not-there"));
    CHECK(read_file(box / "log") == "poststop\n");
}

TEST_CASE("hooks: no hook has run, no poststop hook runs", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "log", "poststop")});
    box.bundle.process()["args"] = {"/not-there"};
    CHECK(contains(box.refusal(), "/not-there"));
    CHECK(read_file(box / "log") == "");
}

TEST_CASE("hooks: a failing startContainer hook stops the container", "[hooks]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["startContainer"] =
        Json::array({failing_hook("the reason", "/probe")});
    box.bundle.args({"write", "/tmp/ran", "yes"});
    Container container = box.create();
    (void)box.call({"start", container.id()});
    CHECK(container.wait_code() != 0);
    CHECK(!fs::exists(box.bundle.in_rootfs("tmp/ran")));
}

TEST_CASE("hooks: start fails with a hook of its own: error, destroyed, poststop has run",
          "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "startContainer", "poststart");
    CAPTURE(kind);
    const std::string path = kind == "startContainer" ? "/probe" : environment().probe.string();
    box.bundle.config["hooks"][kind] = {hook({"true"}, path), failing_hook("the reason", path)};
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "log", "poststop")});
    box.bundle.args({"sleep"});
    Container container = box.create();
    const Finished started = box.call({"start", container.id()});
    CHECK(started.code() == 1);
    CHECK(
        contains(started.err, "hook /hooks/" + kind + "/1 \"" + path + "\" exited with status 3"));
    CHECK(contains(started.err, "the reason"));
    CHECK(lines_of(started.err).size() == 1);
    CHECK(container.wait_code() == (kind == "poststart" ? -SIGKILL : 126));
    CHECK(read_file(box / "log") == "poststop\n");
    CHECK(box.call({"state", container.id()}).code() == 1);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: run fails with a hook of the start, and nothing stays", "[hooks][run][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "startContainer", "poststart");
    const bool detached = GENERATE(true, false);
    CAPTURE(kind, detached);
    const std::string path = kind == "startContainer" ? "/probe" : environment().probe.string();
    box.bundle.config["hooks"][kind] = Json::array({failing_hook("the reason", path)});
    box.bundle.config["hooks"]["poststop"] = Json::array({note(box / "log", "poststop")});
    box.bundle.args({"sleep"}).write();
    Strings line = {"run", "--bundle", box.bundle.path()};
    if (detached) line.emplace_back("--detach");
    line.push_back(box.new_id());
    const Finished finished = box.call(line);
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "hook /hooks/" + kind + "/0"));
    CHECK(read_file(box / "log") == "poststop\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: a failing poststop hook is a warning, the others run", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["poststop"] = {failing_hook("the reason"),
                                              note(box / "log", "second")};
    Container container = box.create();
    container.start();
    (void)container.wait();
    const Finished removed = box.call({"delete", container.id()});
    CHECK(removed.code() == 0);
    CHECK(removed.out == "");
    CHECK(contains(removed.err, "hook /hooks/poststop/0"));
    CHECK(contains(removed.err, "the reason"));
    CHECK(read_file(box / "log") == "second\n");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: one that takes too long is killed and failed", "[hooks][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    CAPTURE(kind);
    Json sleeper = hook({"sleep"});
    sleeper["timeout"] = 1;
    box.bundle.config["hooks"][kind] = {sleeper};
    Container container = box.try_create();
    CHECK(container.created.code() != 0);
    CHECK(container.created.duration < std::chrono::seconds(5));
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: the timeouts of start and delete", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "startContainer", "poststart", "poststop");
    CAPTURE(kind);
    Json sleeper =
        hook({"sleep"}, kind == "startContainer" ? "/probe" : environment().probe.string());
    sleeper["timeout"] = 1;
    box.bundle.config["hooks"][kind] = {sleeper};
    box.bundle.args({"sleep"});
    Container container = box.create();
    const bool at_start = kind != "poststop";
    const Finished started = box.call({"start", container.id()});
    CHECK(started.code() == (at_start ? 1 : 0));
    const Finished removed = box.call({"delete", "--force", container.id()});
    CHECK(removed.code() == 0);
    CHECK(contains(at_start ? started.err : removed.err, "hook /hooks/" + kind + "/0 "));
    CHECK(contains(at_start ? started.err : removed.err, "exceeded its timeout of 1 seconds"));
    CHECK(container.wait_code() != 0);
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: what one has started is killed with it at its timeout", "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "prestart", "createRuntime",
                                      "createContainer", "startContainer", "poststart", "poststop");
    CAPTURE(kind);
    Json hung = hook({"spawn", "3", "--", "sleep"},
                     kind == "startContainer" ? "/probe" : environment().probe.string());
    hung["timeout"] = 1;
    box.bundle.config["hooks"][kind] = {hung};
    box.bundle.args({"sleep"});
    const std::vector<pid_t> others = living_children();
    CreateOptions quiet;
    quiet.quiet = true;
    Container container = box.try_create(quiet);
    if (container.created.code() == 0) {
        const bool fails = box.call({"start", container.id()}).code() != 0;
        CHECK(fails == (kind != "poststop"));
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    // No process is left to us, the subreaper.
    CHECK(wait_for_children(milliseconds{1000}, others).empty());
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("hooks: no path, a relative path, or a timeout that is not positive is an error",
          "[hooks][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    for (const std::string kind : {"prestart", "createRuntime", "createContainer", "startContainer",
                                   "poststart", "poststop"}) {
        const Json wrong = {{{"args", {"x"}}},
                            {{"path", "probe"}},
                            {{"path", ""}},
                            {{"path", "/probe"}, {"timeout", 0}},
                            {{"path", "/probe"}, {"timeout", -1}}};
        for (const Json& one : wrong) {
            CAPTURE(kind, one.dump());
            box.bundle.config["hooks"] = {{kind, {one}}};
            CHECK(contains(box.refusal(), "/hooks/" + kind + "/0"));
        }
    }
}
