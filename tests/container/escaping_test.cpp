// Text from outside on its way to a person: whatever it is part of, it is one line, steers no
// terminal and changes the order of nothing.
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

// A line of ours, made up; what clears a screen; C1's CSI; and what turns the order of characters
// around: U+202E, U+2066, U+061C.
const std::string kHostile = "a\nlxcri: all is well\x1b[2J\x7f\u009b2J\u202eb\u2066c\u061c";

// Nothing of it is left as it was. The newlines that are there are the ends of lines of ours.
void check_harmless(const std::string& text) {
    CAPTURE(text);
    CHECK_FALSE(contains(text, "\nlxcri: all is well"));
    for (const char* part : {"\x1b", "\x7f", "\u009b", "\u202e", "\u2066", "\u061c"}) {
        CHECK_FALSE(contains(text, part));
    }
}

// It is there, shown as what it is: bytes, bytes in a string of JSON, or JSON.
void check_escaped(const std::string& text) {
    check_harmless(text);
    CAPTURE(text);
    const bool is_shown = contains(text, R"(\xe2\x80\xae)") ||
                          contains(text, R"(\\xe2\\x80\\xae)") || contains(text, R"(\u202e)");
    CHECK(is_shown);
}

// The error on stderr and its record in the log, of a create that cannot succeed.
void check_refusal(Box& box) {
    const std::string format = GENERATE(as<std::string>(), "text", "json");
    CreateOptions options;
    options.global = {"--log", box / "log", "--log-format", format};
    const std::string line = box.refusal(options);
    check_escaped(line);
    const std::string log = read_file(box / "log");
    CHECK(lines_of(log).size() == 1);
    check_escaped(log);
    // Nor is it hostile again when the reader has taken the quotes away.
    if (format == "json") check_escaped(Json::parse(log).at("msg"));
}

}  // namespace

TEST_CASE("escaping: the kernel's words about a mount option", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string kind = GENERATE(as<std::string>(), "flag", "value", "key");
    std::string option = kHostile;
    if (kind == "value") option = "size=" + kHostile;
    if (kind == "key") option += "=1";
    box.bundle.add_mount(
        {{"destination", "/x"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {option}}});
    check_refusal(box);
}

TEST_CASE("escaping: strings of config.json", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Json& config = box.bundle.config;
    const std::string place =
        GENERATE(as<std::string>(), "value", "key", "type of a file system", "source", "root",
                 "program", "sysctl", "device", "namespace", "profile");
    CAPTURE(place);
    if (place == "value") box.bundle.linux()["rootfsPropagation"] = kHostile;
    if (place == "key") config["annotations"] = {{kHostile, 1}};
    if (place == "type of a file system") {
        box.bundle.add_mount({{"destination", "/x"}, {"type", kHostile}, {"source", "x"}});
    }
    if (place == "source") {
        box.bundle.add_mount({{"destination", "/x"},
                              {"type", "bind"},
                              {"source", box.bundle.path() / kHostile},
                              {"options", {"bind"}}});
    }
    if (place == "root") config["root"]["path"] = kHostile;
    if (place == "program") box.bundle.process()["args"] = {"/" + kHostile};
    if (place == "sysctl") box.bundle.linux()["sysctl"] = {{"net." + kHostile, "1"}};
    if (place == "device") {
        box.bundle.linux()["devices"] = {
            {{"path", kHostile}, {"type", "c"}, {"major", 1}, {"minor", 3}}};
    }
    if (place == "namespace") box.bundle.add_namespace("ipc", "/" + kHostile);
    if (place == "profile") {
        box.bundle.linux()["seccomp"] = {{"defaultAction", kHostile}};
    }
    check_refusal(box);
}

TEST_CASE("escaping: names of the image", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // A link that liblxc and the mount hook meet; its target is told.
    fs::create_directories(box.bundle.rootfs() / kHostile);
    box.bundle.remove_mount("/proc");
    fs::create_symlink(kHostile, box.bundle.rootfs() / "link");
    box.bundle.add_mount(
        {{"destination", "/link/" + kHostile + "/proc"}, {"type", "proc"}, {"source", "proc"}});
    check_refusal(box);
}

TEST_CASE("escaping: the output of hooks", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path hook = box / "hook";
    const std::string kind =
        GENERATE(as<std::string>(), "prestart", "createRuntime", "createContainer");
    write_file(hook, "#!/bin/sh\nprintf '%s' '" + kHostile + "'\nexit 1\n", 0755);
    box.bundle.config["hooks"] = {{kind, {{{"path", hook}}}}};
    check_refusal(box);
}

TEST_CASE("escaping: settings, flags and the environment", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const auto complaint = [&](const Strings& arguments, const CommandOptions& options = {}) {
        Strings command{environment().runtime};
        command.insert(command.end(), arguments.begin(), arguments.end());
        const Finished finished = run_command(command, options);
        CHECK(finished.code() == 1);
        CHECK(lines_of(finished.err).size() == 1);
        check_harmless(finished.err);
    };
    complaint({"--log-level", kHostile, "list"});
    complaint({"--" + kHostile, "list"});
    complaint({kHostile});
    complaint({"list", "--" + kHostile});
    complaint({"list", kHostile});
    complaint({"update", "--pids-limit", kHostile, "x"});
    complaint({"state", kHostile});
    complaint({"--log", "/" + kHostile + "/x", "list"});
    complaint({"--config", "/" + kHostile, "list"});
    CommandOptions options;
    options.environment = Strings{"LXCRI_LOG_LEVEL=" + kHostile};
    complaint({"list"}, options);
    options.environment = Strings{"LISTEN_FDS=" + kHostile};
    complaint({"create", "--bundle", "/", "x"}, options);
    write_file(box / "settings", Json{{kHostile, 1}}.dump());
    complaint({"--config", box / "settings", "list"});
    write_file(box / "settings", Json{{"logLevel", kHostile}}.dump());
    complaint({"--config", box / "settings", "list"});
}

TEST_CASE("escaping: what is shown about containers", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const fs::path bundle = box / kHostile;
    fs::create_directories(bundle);
    fs::create_directory_symlink(box.bundle.rootfs(), bundle / "rootfs");
    box.bundle.config["annotations"] = {{"note", kHostile}};
    box.bundle.config["root"]["path"] = box.bundle.rootfs();
    fs::create_directories(box.bundle.path() / kHostile);
    box.bundle.add_mount({{"destination", "/tmp"},
                          {"type", "bind"},
                          {"source", box.bundle.path() / kHostile},
                          {"options", {"bind"}}});
    box.bundle.args({"trap", "TERM", "0"});
    write_file(bundle / "config.json", box.bundle.config.dump());
    CreateOptions options;
    options.bundle = bundle;
    const Container container = box.create(options);
    for (const Strings& command :
         {Strings{"list"}, Strings{"list", "--format", "json"}, Strings{"state", container.id()},
          Strings{"inspect", container.id()}}) {
        const Finished shown = box.call(command);
        CAPTURE(command);
        CHECK(shown.code() == 0);
        check_escaped(shown.out);
    }
    // Readers of JSON get what is in there.
    CHECK(container.state().at("annotations").at("note") == kHostile);
    CHECK(container.state().at("bundle") == bundle.string());
    const Finished plan = box.call({"translate", "--bundle", bundle, "--format", "json"});
    CHECK(plan.code() == 0);
    check_escaped(plan.out);
    const Finished items = box.call({"translate", "--bundle", bundle});
    CHECK(items.code() == 0);
    check_harmless(items.out);
}

TEST_CASE("escaping: the table of ps", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_program("ps"));
    Box box;
    box.bundle.args({"trap", "TERM", "0", "--", "echo", kHostile});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    CommandOptions options;
    options.environment = Strings{"LC_ALL=C.UTF-8"};  // where ps escapes less
    const Finished shown = box.call({"ps", container.id(), "-ww", "-eo", "pid,args"}, options);
    CHECK(shown.code() == 0);
    CHECK(lines_of(shown.out).size() == 2);
    CAPTURE(shown.out);
    CHECK_FALSE(contains(shown.out, "\u202e"));
    CHECK_FALSE(contains(shown.out, "\u009b"));
    CHECK_FALSE(contains(shown.out, "\x1b"));
}

TEST_CASE("escaping: why a container process did not start", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    // Found when the container is made, and not a program when it is executed.
    const std::string program = "/" + kHostile;
    write_file(box.bundle.in_rootfs(program), "no program", 0755);
    write_file(box.bundle.in_rootfs("/message"), "");
    box.bundle.process()["args"] = {program};
    box.bundle.config["annotations"] = {
        {"io.kubernetes.container.terminationMessagePath", "/message"}};
    Container container = box.create();
    const Finished started = box.call({"start", container.id()});
    CHECK(started.code() == 1);
    CHECK(lines_of(started.err).size() == 1);
    check_escaped(started.err);
    (void)container.wait();
    const std::string own = container.err().wait_for_end();
    CHECK(lines_of(own).size() == 1);
    check_escaped(own);
    const std::string message = read_file(box.bundle.in_rootfs("/message"));
    CHECK(lines_of(message).size() == 1);
    check_escaped(message);
}

TEST_CASE("escaping: what exec says", "[escaping][hostile][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const Container container = box.sleeper();
    for (const Strings& words :
         {Strings{"exec", container.id(), "/" + kHostile},
          Strings{"exec", "--cwd", "/" + kHostile, container.id(), "/probe", "true"},
          Strings{"exec", "--user", kHostile, container.id(), "/probe", "true"}}) {
        const Finished finished = box.call(words);
        CHECK(finished.code() != 0);
        CHECK(lines_of(finished.err).size() == 1);
        check_harmless(finished.err);
    }
}
