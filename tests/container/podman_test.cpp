// Podman as the caller, with everything of its own in our directory.

#include "support/podman.h"
#include "support/catch.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

TEST_CASE("podman: run with the defaults: output, exit status, pid 1 inside", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    const Finished finished =
        podman.call({"run", "--network", "none", "--rm", "localhost/test", "/probe", "echo",
                     "hello", "--", "pid", "--", "processes", "--", "exit", "3"});
    INFO(finished.err);
    CHECK(finished.code() == 3);
    CHECK(contains(finished.out, "hello\n"));
    CHECK(contains(finished.out, "pid=1 ppid=0 "));
    CHECK(contains(finished.out, "\n1 probe\n"));
}

TEST_CASE("podman: user, environment, directory, limits, mounts", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    const Finished finished =
        podman.run({"--user",      "1000:1001",  "--env",   "NAME=value",
                    "--workdir",   "/tmp",       "--tmpfs", "/scratch:rw,notmpcopyup",
                    "--read-only", "--hostname", "inside",  "localhost/test",
                    "/probe",      "ids",        "--",      "env",
                    "--",          "cwd",        "--",      "hostname",
                    "--",          "write",      "/new",    "x",
                    "--",          "statfs",     "/scratch"});
    INFO(finished.err);
    CHECK(value_of(finished.out, "uid") == "1000,1000,1000");
    CHECK(value_of(finished.out, "gid") == "1001,1001,1001");
    CHECK(has_line(finished.out, "NAME=value"));
    CHECK(has_line(finished.out, "/tmp"));
    CHECK(value_of(finished.out, "hostname") == "inside");
    CHECK(has_line(finished.out, "write /new: EROFS"));
    CHECK(contains(finished.out, "/scratch 1021994 "));
}

TEST_CASE("podman: --tmpfs starts as a copy of what it covers", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    const Finished finished = podman.run(
        {"--tmpfs", "/etc", "localhost/test", "/probe", "ls", "/etc", "--", "statfs", "/etc"});
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(contains(finished.out, "/etc 1021994 "));
}

TEST_CASE("podman: a program that is not there is 127, one that may not run is 126", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    CHECK(podman.run({"localhost/test", "not-there"}).code() == 127);
    CHECK(podman.run({"localhost/test", "/etc"}).code() == 126);
}

TEST_CASE("podman: in the background: top, logs, stop, inspect, rm", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    const Finished started = podman.call(
        {"run", "--network", "none", "--security-opt", "seccomp=unconfined", "--name", "background",
         "--detach", "localhost/test", "/probe", "echo", "ready", "--", "sleep"});
    INFO(started.err);
    REQUIRE(started.code() == 0);
    const Finished top = podman.call({"top", "background", "pid", "comm"});
    CHECK(lines_of(top.out).size() == 2);
    CHECK(contains(top.out, "probe"));
    CHECK(podman.call({"logs", "background"}).out == "ready\n");
    CHECK(podman.call({"stop", "-t", "0", "background"}).code() == 0);
    CHECK(
        podman.call({"inspect", "--format", "{{.State.ExitCode}} {{.State.Status}}", "background"})
            .out == "137 exited\n");
    CHECK(podman.call({"rm", "background"}).code() == 0);
}

TEST_CASE("podman: a second container joins the namespaces of the first", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    REQUIRE(podman
                .call({"run", "--network", "none", "--security-opt", "seccomp=unconfined", "--name",
                       "first", "--detach", "localhost/test", "/probe", "sleep"})
                .code() == 0);
    const Finished finished = podman.call(
        {"run", "--rm", "--security-opt", "seccomp=unconfined", "--network", "container:first",
         "--pid", "container:first", "localhost/test", "/probe", "processes"});
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(lines_of(finished.out).size() == 2);
    CHECK(has_line(finished.out, "1 probe"));
}

TEST_CASE("podman: exec: output, exit status, user, environment", "[podman][exec]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    podman.start("c");
    const Finished finished =
        podman.call({"exec", "--user", "12:34", "--env", "A=b", "--workdir", "/tmp", "c", "/probe",
                     "ids", "--", "cwd", "--", "env", "--", "exit", "7"});
    INFO(finished.err);
    CHECK(finished.code() == 7);
    CHECK(contains(finished.out, "uid=12,12,12\ngid=34,34,34\n"));
    CHECK(contains(finished.out, "/tmp\n"));
    CHECK(has_line(finished.out, "A=b"));
    CHECK(podman.call({"exec", "c", "not-there"}).code() == 127);
    CHECK(podman.call({"exec", "c", "/tmp"}).code() == 126);
    CHECK(podman.call({"exec", "-d", "c", "/probe", "true"}).code() == 0);
}

TEST_CASE("podman: exec many times leaves no process behind", "[podman][exec]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    podman.start("c");
    for (int i = 0; i < 20; ++i) {
        REQUIRE(podman.call({"exec", "c", "/probe", "true"}).code() == 0);
    }
    const std::string out = podman.call({"exec", "c", "/probe", "processes"}).out;
    CHECK(lines_of(out).size() == 2);  // init and the one that tells
}

TEST_CASE("podman: run -it and exec -it have a terminal", "[podman][terminal]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    Terminal terminal;
    CommandOptions options = podman.options();
    for (int number = 0; number <= 2; ++number) {
        options.fds.emplace_back(terminal.slave.get(), number);
    }
    {
        Process run(
            podman.command_line({"run", "--network", "none", "--rm", "-it", "localhost/test",
                                 "/probe", "tty", "--", "stdin", "--", "exit", "5"}),
            options);
        terminal.keyboard.wait_for("foreground=yes");
        CHECK(contains(terminal.keyboard.text(), "0=tty /dev/pts/0"));
        terminal.keyboard.type("typed\r");
        terminal.keyboard.wait_for("typed\r\ntyped\r\n");
        terminal.keyboard.type("\x04");
        CHECK(run.wait_exit_only().code() == 5);
    }
    podman.start("c");
    Process exec(podman.command_line({"exec", "-it", "c", "/probe", "echo", "in exec", "--", "tty",
                                      "--", "exit", "6"}),
                 options);
    CHECK(exec.wait_exit_only().code() == 6);
    terminal.keyboard.wait_for("in exec");
    terminal.keyboard.wait_for("controlling=yes");
}

TEST_CASE("podman: pause and unpause of a container in the background", "[podman]") {
    NEEDS(need_podman());
    APPLIES(enough_descriptors());
    const Podman podman;
    const Finished started = podman.call({"run", "--network", "none", "--security-opt",
                                          "seccomp=unconfined", "--name", "background", "--detach",
                                          "localhost/test", "/probe", "spawn", "2", "--", "sleep"});
    INFO(started.err);
    REQUIRE(started.code() == 0);
    const auto status = [&] {
        return podman.call({"inspect", "--format", "{{.State.Status}}", "background"}).out;
    };
    CHECK(podman.call({"pause", "background"}).code() == 0);
    CHECK(status() == "paused\n");
    CHECK(podman.call({"pause", "background"}).code() != 0);
    CHECK(podman.call({"unpause", "background"}).code() == 0);
    CHECK(status() == "running\n");
    CHECK(lines_of(podman.call({"top", "background", "pid"}).out).size() == 4);
    CHECK(podman.call({"pause", "background"}).code() == 0);
    const Finished removed = podman.call({"rm", "--force", "-t", "0", "background"});
    INFO(removed.err);
    CHECK(removed.code() == 0);
}

TEST_CASE("podman: kill, stats, update, logs --follow, wait", "[podman]") {
    NEEDS(need_podman());
    APPLIES(in_first_view());
    const Podman podman;
    const Strings limits = has_controller("pids") ? Strings{"--pids-limit", "70"} : Strings{};
    podman.start("one", limits);
    const Finished stats =
        podman.call({"stats", "--no-stream", "--no-reset", "--format", "{{.PIDS}}", "one"});
    INFO(stats.err);
    CHECK(stats.code() == 0);
    if (has_controller("pids")) CHECK(stats.out == "1\n");
    if (has_controller("memory")) {
        const Finished updated = podman.call({"update", "--memory", "96m", "one"});
        INFO(updated.err);
        CHECK(updated.code() == 0);
        const pid_t pid =
            std::stoi(podman.call({"inspect", "--format", "{{.State.Pid}}", "one"}).out);
        const fs::path cgroup = cgroup_of(pid, "memory");
        CHECK(read_file(cgroup / "memory.limit_in_bytes") + read_file(cgroup / "memory.max") ==
              "100663296\n");
        if (has_controller("pids")) {
            CHECK(read_file(cgroup_of(pid, "pids") / "pids.max") == "70\n");
        }
    }
    CHECK(podman.call({"kill", "--signal", "WINCH", "one"}).code() == 0);
    CHECK(podman.call({"kill", "--signal", "KILL", "one"}).code() == 0);
    CHECK(podman.call({"wait", "one"}).out == "137\n");
    CHECK(podman.call({"start", "one"}).code() == 0);
    CHECK(podman.call({"restart", "-t", "0", "one"}).code() == 0);
    CHECK(podman.call({"inspect", "--format", "{{.State.Status}}", "one"}).out == "running\n");
}

TEST_CASE("podman: a health check", "[podman][exec]") {
    NEEDS(need_podman());
    APPLIES(in_first_view());
    const Podman podman;
    // Without a timer, for which it would ask systemd.
    podman.start("well", {"--health-cmd", "[\"/probe\",\"true\"]", "--health-interval", "disable"});
    podman.start("ill",
                 {"--health-cmd", "[\"/probe\",\"exit\",\"1\"]", "--health-interval", "disable"});
    const Finished well = podman.call({"healthcheck", "run", "well"});
    INFO(well.err);
    CHECK(well.code() == 0);
    CHECK(podman.call({"healthcheck", "run", "ill"}).code() == 1);
}

TEST_CASE("podman: a pod: shared namespaces, pause, stop, rm", "[podman]") {
    NEEDS(need_podman());
    APPLIES(in_first_view());
    const Podman podman;
    const Finished made = podman.call({"pod", "create", "--name", "pod", "--network", "none",
                                       "--share", "net,ipc,uts,pid", "--infra-image",
                                       "localhost/test", "--infra-command", "/probe sleep"});
    INFO(made.err);
    REQUIRE(made.code() == 0);
    const Finished first = podman.call({"run", "--detach", "--pod", "pod", "--name", "first",
                                        "localhost/test", "/probe", "sleep"});
    INFO(first.err);
    REQUIRE(first.code() == 0);
    const Finished second = podman.call(
        {"run", "--rm", "--pod", "pod", "localhost/test", "/probe", "processes", "--", "hostname"});
    INFO(second.err);
    CHECK(second.code() == 0);
    // The infra container's, the first one's, the one that tells; and the name.
    CHECK(lines_of(second.out).size() == 5);
    CHECK(value_of(second.out, "hostname") == "pod");
    CHECK(podman.call({"pod", "pause", "pod"}).code() == 0);
    CHECK(podman.call({"inspect", "--format", "{{.State.Status}}", "first"}).out == "paused\n");
    CHECK(podman.call({"pod", "unpause", "pod"}).code() == 0);
    CHECK(podman.call({"pod", "stop", "-t", "0", "pod"}).code() == 0);
    CHECK(podman.call({"pod", "rm", "pod"}).code() == 0);
}

TEST_CASE("podman: --init, --ipc=container, secrets, volumes", "[podman]") {
    NEEDS(need_podman());
    NEEDS(need_program("tini-static"));
    APPLIES(in_first_view());
    const Podman podman;
    const Finished init = podman.run({"--init", "--init-path", find_program("tini-static"),
                                      "localhost/test", "/probe", "pid", "--", "exit", "3"});
    INFO(init.err);
    CHECK(init.code() == 3);
    CHECK(contains(init.out, "ppid=1 "));

    podman.start("one", {"--ipc", "shareable", "--volume", "data:/data"});
    CHECK(podman.call({"exec", "one", "/probe", "write", "/data/file", "kept"}).code() == 0);
    const auto space = [](const std::string& text, const char* kind) {
        for (const std::string& line : lines_of(text)) {
            if (line.starts_with(kind)) return line;
        }
        return std::string();
    };
    const std::string own = podman.call({"exec", "one", "/probe", "ns"}).out;
    const Finished joined =
        podman.run({"--ipc", "container:one", "localhost/test", "/probe", "ns"});
    INFO(joined.err);
    REQUIRE(space(own, "ipc") != "");
    CHECK(space(joined.out, "ipc") == space(own, "ipc"));
    CHECK(space(joined.out, "uts") != space(own, "uts"));

    const Finished created = podman.create_secret("word", "not for all");
    INFO(created.err);
    CHECK(created.code() == 0);
    const Finished secret = podman.run({"--secret", "word", "--volume", "data:/data:ro",
                                        "localhost/test", "/probe", "cat", "/run/secrets/word",
                                        "--", "cat", "/data/file", "--", "write", "/data/x", "y"});
    INFO(secret.err);
    CHECK(contains(secret.out, "not for all"));
    CHECK(contains(secret.out, "kept"));
    CHECK(contains(secret.out, "write /data/x: EROFS"));
    CHECK(podman.call({"secret", "rm", "word"}).code() == 0);
}

TEST_CASE("podman: --cgroups=disabled", "[podman]") {
    NEEDS(need_podman());
    APPLIES(in_first_view());
    const Podman podman;
    const Finished finished = podman.run({"--cgroups=disabled", "localhost/test", "/probe", "cat",
                                          "/proc/self/cgroup", "--", "exit", "2"});
    INFO(finished.err);
    CHECK(finished.code() == 2);
    CHECK(!contains(finished.out, "libpod"));
}

TEST_CASE("podman: with systemd as its cgroup manager", "[podman][systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    NEEDS(need_podman());
    const Podman podman("systemd");
    podman.start("one", {"--memory", "64m", "--pids-limit", "70"});
    const std::string id = podman.call({"inspect", "--format", "{{.Id}}", "one"}).out;
    const pid_t pid = std::stoi(podman.call({"inspect", "--format", "{{.State.Pid}}", "one"}).out);
    const fs::path cgroup = cgroup_of(pid, "memory");
    CHECK(contains(cgroup.string(), "machine.slice/libpod-" + id.substr(0, 64) + ".scope"));
    CHECK(read_file(cgroup / "memory.max") == "67108864\n");
    CHECK(read_file(cgroup / "pids.max") == "70\n");
    CHECK(podman.call({"exec", "one", "/probe", "exit", "4"}).code() == 4);
    CHECK(podman.call({"pause", "one"}).code() == 0);
    CHECK(podman.call({"unpause", "one"}).code() == 0);
    CHECK(podman.call({"update", "--memory", "96m", "one"}).code() == 0);
    CHECK(read_file(cgroup / "memory.max") == "100663296\n");
    CHECK(podman.call({"stop", "-t", "0", "one"}).code() == 0);
    CHECK(podman.call({"inspect", "--format", "{{.State.ExitCode}}", "one"}).out == "137\n");
    const Finished removed = podman.call({"rm", "one"});
    INFO(removed.err);
    CHECK(removed.code() == 0);
    CHECK(find_cgroups("libpod-" + id.substr(0, 64)).empty());
}

TEST_CASE("podman: a warning in the log keeps neither success nor the reason of a failure from it",
          "[podman][caller][lxcri]") {
    NEEDS(need_podman());
    APPLIES(in_first_view());
    const Podman podman;
    // An unknown annotation is a warning.
    const Strings flags{"--annotation", "run.oci.unknown=1", "localhost/test"};
    Strings good = flags;
    good.insert(good.end(), {"/probe", "exit", "5"});
    CHECK(podman.run(good).code() == 5);
    Strings bad = flags;
    bad.emplace_back("/nosuch");
    const Finished finished = podman.run(bad);
    INFO(finished.err);
    CHECK(finished.code() == 127);
    CHECK(contains(finished.err, "no such file or directory"));
}
