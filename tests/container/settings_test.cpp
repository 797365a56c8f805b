// The settings of administrators and callers: file, environment, flags.
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

fs::path settings_file(const Box& box, const Json& settings, unsigned mode = 0644) {
    const fs::path file = box / "lxcri.json";
    write_file(file, settings.dump());
    REQUIRE(chmod(file.c_str(), mode) == 0);
    return file;
}

CreateOptions with(const Strings& global) {
    CreateOptions options;
    options.global = global;
    return options;
}

// The rest of the line of a setting, blanks made one: "VALUE FROM".
std::string shown(const Box& box, const std::string& name, Strings global,
                  const Strings& environment = {}) {
    global.insert(global.begin(), lxcri::test::environment().runtime);
    global.emplace_back("config");
    CommandOptions options;
    options.environment = environment;
    const Finished finished = run_command(global, options);
    CAPTURE(finished.err);
    CHECK(finished.code() == 0);
    (void)box;
    std::string result;
    for (const std::string& word : split(line_after(finished.out, name + " "), ' ')) {
        if (!word.empty()) result += (result.empty() ? "" : " ") + word;
    }
    return result;
}

Json mkdir_forbidden() {
    return {{"defaultAction", "SCMP_ACT_ALLOW"},
            {"syscalls",
             {{{"names", {"mkdir", "mkdirat"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 18}}}}};
}

}  // namespace

TEST_CASE("settings: flag before environment before file before what is built in",
          "[settings][lxcri]") {
    NEEDS(need_runtime());
    const Box box;
    const std::string file = settings_file(box, {{"cgroupManager", "systemd"}});
    const Strings by_file = {"--config", file};
    const Strings by_flag = {"--config", file, "--cgroup-manager", "cgroupfs"};
    const Strings variable = {"LXCRI_CGROUP_MANAGER=disabled"};
    CHECK(shown(box, "cgroupManager", by_file) == "systemd file");
    CHECK(shown(box, "cgroupManager", {}, {"LXCRI_CONFIG=" + file}) == "systemd file");
    CHECK(shown(box, "cgroupManager", by_file, variable) == "disabled environment");
    CHECK(shown(box, "cgroupManager", by_flag, variable) == "cgroupfs flag");
    CHECK(shown(box, "logLevel", by_flag) == "warning built-in");
}

TEST_CASE("settings: a flag for systemd overrides the file", "[settings][lxcri]") {
    NEEDS(need_runtime());
    const Box box;
    const std::string file = settings_file(box, {{"cgroupManager", "disabled"}});
    CHECK(shown(box, "cgroupManager", {"--config", file, "--systemd-cgroup"}) == "systemd flag");
    CHECK(shown(box, "cgroupManager", {"--systemd-cgroup", "--cgroup-manager", "disabled"}) ==
          "disabled flag");
}

TEST_CASE("settings: the file's root is where containers are", "[settings][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.sleeper();
    const std::string file = settings_file(box, {{"root", box.root()}});
    const Finished finished =
        run_command({environment().runtime, "--config", file, "state", container.id()});
    CHECK(finished.code() == 0);
    CHECK(Json::parse(finished.out).at("id") == container.id());
    CHECK(run_command({environment().runtime, "--config", file, "--root", box / "other", "state",
                       container.id()})
              .code() == 1);
}

TEST_CASE("settings: a file that others may write is refused, by every command",
          "[settings][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string file = settings_file(box, {{"root", box.root()}}, 0666);
    const std::string command = GENERATE(as<std::string>(), "state", "delete", "config", "list");
    const Finished finished = run_command({environment().runtime, "--log", box / "log",
                                           "--log-format", "json", "--config", file, command});
    CHECK(finished.code() == 1);
    CHECK(finished.out.empty());
    CHECK(lines_of(finished.err).size() == 1);
    CHECK(contains(finished.err, file));
    CHECK(contains(finished.err, "must belong to root"));
    // Where the caller looks for it.
    CHECK(contains(read_file(box / "log"), "must belong to root"));
}

TEST_CASE("settings: another user's file is refused", "[settings][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string file = settings_file(box, {{"root", box.root()}});
    REQUIRE(chown(file.c_str(), 1000, 1000) == 0);
    CHECK(contains(box.refusal(with({"--config", file})), "must belong to root"));
}

TEST_CASE("settings: what the file should not say is told with file and pointer",
          "[settings][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string file = box / "lxcri.json";
    SECTION("an unknown name") {
        settings_file(box, {{"moniter", "keep"}});
        const std::string error = box.refusal(with({"--config", file}));
        CHECK(contains(error, file + ": /moniter: not known, did you mean \"monitor\"?"));
        CHECK(contains(error, "the settings are root, log, "));
    }
    SECTION("a wrong value") {
        settings_file(box, {{"monitor", "stay"}});
        CHECK(contains(box.refusal(with({"--config", file})),
                       file + ": /monitor: expected hand-over or keep, got \"stay\""));
    }
    SECTION("no JSON") {
        write_file(file, "monitor = keep");
        CHECK(contains(box.refusal(with({"--config", file})), "line 1"));
    }
    SECTION("a file that is asked for and missing") {
        CHECK(contains(box.refusal(with({"--config", file})), "no such file or directory"));
    }
}

TEST_CASE("settings: monitor, and the cgroup where it stays", "[settings][monitor][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    const std::string group = box.name() + "-monitors/here";
    const std::string file =
        settings_file(box, {{"monitor", "keep"}, {"monitorCgroup", "/" + group}});
    box.bundle.args({"sleep"});
    Container container = box.create(with({"--config", file}));
    CHECK(container.state().at("pid") != container.pid());
    for (const Hierarchy& hierarchy : cgroup_hierarchies()) {
        CAPTURE(hierarchy.mount_point);
        const fs::path procs = hierarchy.mount_point / group / "cgroup.procs";
        CHECK(has_line(read_file(procs), std::to_string(container.pid())));
    }
    container.kill();
    (void)container.wait();
    container.remove();
    destroy_cgroups(box.name() + "-monitors");
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("settings: a system call filter is left out where that is said, with a warning",
          "[settings][seccomp][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["seccomp"] = mkdir_forbidden();
    CHECK(contains(box.life({"mkdir", "/tmp/a"}).out, "EXDEV"));
    const Outcome outcome =
        box.life({"mkdir", "/tmp/b"},
                 with({"--seccomp=false", "--log", box / "log", "--log-level", "warning"}));
    CHECK(outcome.code == 0);
    CHECK_FALSE(contains(outcome.out, "EXDEV"));
    CHECK(contains(read_file(box / "log"), "/linux/seccomp: not applied, seccomp is false"));
}

TEST_CASE("settings: all capabilities are granted where that is said", "[settings][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"] = {{"bounding", {"CAP_KILL"}}};
    const std::string own = line_after(read_file("/proc/self/status"), "CapBnd:\t");
    CHECK(value_of(box.life({"caps"}).out, "bounding") != own);
    CHECK(value_of(box.life({"caps"}, with({"--capabilities=false"})).out, "bounding") == own);
}

TEST_CASE("settings: exec keeps to what create has switched off, and may switch off more itself",
          "[settings][exec][seccomp][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.process()["capabilities"] = {{"bounding", {"CAP_KILL"}}};
    box.bundle.linux()["seccomp"] = mkdir_forbidden();
    const std::string own = line_after(read_file("/proc/self/status"), "CapBnd:\t");
    const bool at_create = GENERATE(false, true);
    CAPTURE(at_create);
    Container container = box.sleeper(at_create ? with({"--capabilities=false", "--seccomp=false"})
                                                : CreateOptions{});
    const Strings look = {"caps", "--", "field", "Seccomp"};
    const auto bounding = [](const Finished& finished) {
        CHECK(finished.err == "");
        return value_of(finished.out, "bounding");
    };
    const Finished plain = box.exec(container, look);
    CHECK(bounding(plain) == (at_create ? own : "0000000000000020"));
    CHECK(has_line(plain.out, at_create ? "Seccomp:\t0" : "Seccomp:\t2"));
    const Finished more = box.exec(container, look, {"--cap", "CAP_CHOWN"});
    CHECK(bounding(more) == (at_create ? own : "0000000000000021"));
    // The same in a document that says nothing of it, and flags of this call.
    Json process = box.bundle.config["process"];
    process.erase("capabilities");
    process["args"] = {"/probe", "caps", "--", "field", "Seccomp"};
    write_file(box / "process.json", process.dump());
    const Strings exec = {"exec", "--process", box / "process.json", container.id()};
    CHECK(bounding(box.call(exec)) == bounding(plain));
    Strings switched = {"--capabilities=false", "--seccomp=false"};
    switched.insert(switched.end(), exec.begin(), exec.end());
    const Finished off = box.call(switched);
    CHECK(bounding(off) == own);
    CHECK(has_line(off.out, "Seccomp:\t0"));
    container.kill();
    (void)container.wait();
    container.remove();
}

TEST_CASE("settings: every device may be used where that is said", "[settings][devices][lxcri]") {
    NEEDS(need_runtime());
    NEEDS(need_capability(27, "CAP_MKNOD"));
    Box box;
    box.bundle.process()["capabilities"] = {
        {"bounding", {"CAP_MKNOD"}}, {"permitted", {"CAP_MKNOD"}}, {"effective", {"CAP_MKNOD"}}};
    box.bundle.linux()["resources"]["devices"] = {{{"allow", false}, {"access", "rwm"}}};
    // /dev/port's numbers are not among those that every container may use.
    const Strings open = {"mknod-open", "/tmp/port", "c", "1", "4"};
    CHECK(contains(box.life(open).out, "EPERM"));
    CHECK_FALSE(contains(box.life(open, with({"--cgroup-devices=false"})).out, "EPERM"));
}

TEST_CASE("settings: a start that takes longer than --start-timeout fails, and stays so",
          "[settings][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.config["hooks"]["startContainer"] = {
        {{"path", "/probe"}, {"args", {"hook", "sleep"}}}};
    box.bundle.args({"true"});
    Container container = box.create();
    const Finished finished = box.call({"--start-timeout", "1", "start", container.id()});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "--start-timeout"));
    CHECK(describe_status(container.wait()) == "signal 9");
    CHECK(container.status() == "stopped");
    container.remove();
    CHECK(box.leftovers() == Strings{});
}

TEST_CASE("config: writes a file that --config reads", "[settings][lxcri]") {
    NEEDS(need_runtime());
    const Box box;
    const std::string file = box / "new.json";
    const Finished finished =
        run_command({environment().runtime, "--monitor", "keep", "config", "--out", file, "-q"});
    CHECK(finished.code() == 0);
    CHECK(finished.out.empty());
    CHECK(shown(box, "monitor", {"--config", file}) == "keep file");
    CHECK(run_command({environment().runtime, "--config", file, "--log-level", "debug", "config",
                       "--update-current", "-q"})
              .code() == 0);
    CHECK(shown(box, "logLevel", {"--config", file}) == "debug file");
    CHECK(shown(box, "monitor", {"--config", file}) == "keep file");
    const Finished built_in =
        run_command({environment().runtime, "--config", file, "config", "--default", "-f", "json"});
    CHECK(Json::parse(built_in.out).at("monitor") == "hand-over");
}
