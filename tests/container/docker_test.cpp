// Docker as the caller: dockerd, which starts a containerd of its own, with everything in our
// directory.
#include <unistd.h>

#include <filesystem>

#include "engine.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::optional<std::string> need_docker() {
    if (auto missing = need_runtime()) return missing;
    return need_program("dockerd");
}

class Docker {
  public:
    // Where systemd manages the cgroups, the parent is a slice.
    explicit Docker(std::string driver = "cgroupfs") : driver_(std::move(driver)) {
        const fs::path archive = box_ / "image.tar";
        REQUIRE(run_command({"/bin/tar", "-C", box_.bundle.rootfs(), "-cf", archive, "."}).code() ==
                0);
        const Finished imported = call({"import", archive, "test"});
        INFO(imported.err);
        REQUIRE(imported.code() == 0);
    }
    Docker(const Docker&) = delete;
    Docker& operator=(const Docker&) = delete;
    ~Docker() {
        try {
            const Finished all = call({"ps", "--all", "--quiet"});
            for (const std::string& id : lines_of(all.out)) (void)call({"rm", "--force", id});
        } catch (const std::exception&) {
            // What stays is found by the leak check.
        }
    }

    Strings command_line(const Strings& arguments) const {
        Strings command = {find_program("docker"), "--host",
                           "unix://" + (box_ / "socket").string()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
    }
    CommandOptions options() const { return engine_options(box_); }
    Finished call(const Strings& arguments) const {
        return run_command(command_line(arguments), options());
    }
    // docker run --rm --network none ...
    Finished run(const Strings& arguments) const {
        Strings command = {"run", "--rm", "--network", "none"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return call(command);
    }
    // A container that sleeps, with a child.
    void start(const std::string& name, const Strings& flags = {}) const {
        Strings command = {"run", "--detach", "--network", "none", "--name", name};
        command.insert(command.end(), flags.begin(), flags.end());
        command.insert(command.end(),
                       {"test", "/probe", "echo", "ready", "--", "spawn", "1", "--", "sleep"});
        const Finished started = call(command);
        INFO(started.err);
        REQUIRE(started.code() == 0);
    }
    std::string inspect(const std::string& name, const std::string& format) const {
        return call({"inspect", "--format", format, name}).out;
    }
    const Box& box() const { return box_; }

  private:
    Strings daemon_line() const {
        Json config = Json::parse(engine_example("docker.json"));
        // Otherwise it is /etc/docker/key.json.
        config["deprecated-key-path"] = box_ / "key.json";
        write_file(box_ / "daemon.json", config.dump());
        Strings line = {
            find_program("dockerd"),
            "--config-file",
            box_ / "daemon.json",
            "--data-root",
            box_ / "data",
            "--exec-root",
            box_ / "exec",
            "--pidfile",
            box_ / "pid",
            "--host",
            "unix://" + (box_ / "socket").string(),
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--bridge=none",
            "--storage-driver=vfs",
            "--exec-opt=native.cgroupdriver=" + driver_,
            "--cgroup-parent=" + (driver_ == "systemd" ? "system.slice" : "/" + box_.name()),
            "--default-runtime=lxcri"};
        // It would lower its score, for which the right is missing here; newer ones leave it.
        const std::string help = run_command({line.front(), "--help"}).out;
        if (contains(help, "--oom-score-adjust")) line.push_back("--oom-score-adjust=0");
        return line;
    }

    std::string driver_;
    Box box_;
    Daemon daemon_{box_, daemon_line(), "API listen on"};
};

}  // namespace

TEST_CASE("docker: run: output, exit status, pid 1 inside", "[docker][not-crun][not-runc]") {
    NEEDS(need_docker());
    APPLIES(in_first_view());
    const Docker docker;
    const Finished finished = docker.run(
        {"test", "/probe", "echo", "hello", "--", "pid", "--", "processes", "--", "exit", "3"});
    INFO(finished.err);
    CHECK(finished.code() == 3);
    CHECK(contains(finished.out, "hello\n"));
    CHECK(contains(finished.out, "pid=1 ppid=0 "));
    CHECK(docker.run({"test", "not-there"}).code() == 127);
    CHECK(docker.run({"test", "/etc"}).code() == 126);
    CHECK(docker.run({"--init", "test", "/probe", "processes", "--", "exit", "4"}).code() == 4);
    CHECK(docker.run({"--privileged", "test", "/probe", "true"}).code() == 0);
    CHECK(docker.run({"--uts", "host", "--ipc", "host", "--pid", "host", "test", "/probe", "true"})
              .code() == 0);
    // The daemon asks for it at its start.
    CHECK(contains(docker.call({"info"}).out, "Default Runtime: lxcri"));
}

TEST_CASE("docker: user, environment, directory, mounts, limits", "[docker][not-crun][not-runc]") {
    NEEDS(need_docker());
    APPLIES(in_first_view());
    const Docker docker;
    write_file(docker.box() / "volume", "from outside\n");
    const Finished finished = docker.run({"--user",
                                          "1000:1001",
                                          "--env",
                                          "NAME=value",
                                          "--workdir",
                                          "/tmp",
                                          "--tmpfs",
                                          "/scratch",
                                          "--read-only",
                                          "--hostname",
                                          "inside",
                                          "--volume",
                                          (docker.box() / "volume").string() + ":/volume:ro",
                                          "test",
                                          "/probe",
                                          "ids",
                                          "--",
                                          "env",
                                          "--",
                                          "cwd",
                                          "--",
                                          "hostname",
                                          "--",
                                          "write",
                                          "/new",
                                          "x",
                                          "--",
                                          "statfs",
                                          "/scratch",
                                          "--",
                                          "cat",
                                          "/volume"});
    INFO(finished.err);
    CHECK(value_of(finished.out, "uid") == "1000,1000,1000");
    CHECK(value_of(finished.out, "gid") == "1001,1001,1001");
    CHECK(has_line(finished.out, "NAME=value"));
    CHECK(has_line(finished.out, "/tmp"));
    CHECK(value_of(finished.out, "hostname") == "inside");
    CHECK(has_line(finished.out, "write /new: EROFS"));
    CHECK(contains(finished.out, "/scratch 1021994 "));
    CHECK(has_line(finished.out, "from outside"));
}

TEST_CASE("docker: in the background: exec, top, logs, stats, pause, kill, stop, start, rm",
          "[docker][not-crun][not-runc]") {
    NEEDS(need_docker());
    APPLIES(in_first_view());
    const Docker docker;
    docker.start("one");
    const Finished exec = docker.call({"exec", "--user", "12:34", "--env", "A=b", "one", "/probe",
                                       "ids", "--", "env", "--", "exit", "7"});
    INFO(exec.err);
    CHECK(exec.code() == 7);
    CHECK(contains(exec.out, "uid=12,12,12\ngid=34,34,34\n"));
    CHECK(has_line(exec.out, "A=b"));
    // Docker 26.1 tells both as 126, 28.5 what is not there as 127.
    const int not_there = docker.call({"exec", "one", "not-there"}).code();
    CHECK((not_there == 126 || not_there == 127));
    CHECK(docker.call({"exec", "one", "/tmp"}).code() == 126);
    CHECK(docker.call({"exec", "--detach", "one", "/probe", "true"}).code() == 0);
    const Finished top = docker.call({"top", "one", "-o", "pid,comm"});
    CHECK(lines_of(top.out).size() == 3);
    CHECK(contains(top.out, "probe"));
    CHECK(docker.call({"logs", "one"}).out == "ready\n");
    if (has_controller("pids")) {
        CHECK(docker.call({"stats", "--no-stream", "--format", "{{.PIDs}}", "one"}).out == "2\n");
    }
    CHECK(docker.call({"pause", "one"}).code() == 0);
    CHECK(docker.inspect("one", "{{.State.Status}}") == "paused\n");
    CHECK(docker.call({"exec", "one", "/probe", "true"}).code() != 0);
    CHECK(docker.call({"unpause", "one"}).code() == 0);
    CHECK(docker.inspect("one", "{{.State.Status}}") == "running\n");
    CHECK(docker.call({"stop", "-t", "0", "one"}).code() == 0);
    CHECK(docker.inspect("one", "{{.State.ExitCode}} {{.State.Status}}") == "137 exited\n");
    CHECK(docker.call({"start", "one"}).code() == 0);
    CHECK(docker.call({"kill", "--signal", "KILL", "one"}).code() == 0);
    CHECK(docker.call({"wait", "one"}).out == "137\n");
    CHECK(docker.call({"rm", "one"}).code() == 0);
    CHECK(names_in(docker.box() / "exec/runtime-runc/moby") == Strings{});
}

TEST_CASE("docker: run -it and exec -it have a terminal",
          "[docker][not-crun][not-runc][terminal]") {
    NEEDS(need_docker());
    APPLIES(in_first_view());
    const Docker docker;
    Terminal terminal;
    CommandOptions options = docker.options();
    for (int number = 0; number <= 2; ++number) {
        options.fds.emplace_back(terminal.slave.get(), number);
    }
    {
        Process run(docker.command_line({"run", "--rm", "--network", "none", "-it", "test",
                                         "/probe", "tty", "--", "stdin", "--", "exit", "5"}),
                    options);
        terminal.keyboard.wait_for("foreground=yes");
        CHECK(contains(terminal.keyboard.text(), "0=tty /dev/pts/0"));
        terminal.keyboard.type("typed\r");
        terminal.keyboard.wait_for("typed\r\ntyped\r\n");
        terminal.keyboard.type("\x04");
        CHECK(run.wait_exit_only().code() == 5);
    }
    docker.start("one");
    Process exec(docker.command_line({"exec", "-it", "one", "/probe", "echo", "in exec", "--",
                                      "tty", "--", "exit", "6"}),
                 options);
    terminal.keyboard.wait_for("in exec");
    CHECK(exec.wait_exit_only().code() == 6);
}

TEST_CASE("docker: update changes what is asked for and nothing else",
          "[docker][not-crun][not-runc]") {
    NEEDS(need_docker());
    APPLIES(in_first_view());
    APPLIES(has_controller("pids") && has_controller("memory") && has_controller("cpu"));
    const Docker docker;
    docker.start("one", {"--pids-limit", "70", "--memory", "64m", "--memory-swap", "64m"});
    const pid_t pid = std::stoi(docker.inspect("one", "{{.State.Pid}}"));
    const auto limit = [&](const char* controller, const char* v1, const char* v2) {
        const fs::path cgroup = cgroup_of(pid, controller);
        const std::string text = read_file(cgroup / v1);
        return text.empty() ? read_file(cgroup / v2) : text;
    };
    CHECK(limit("pids", "pids.max", "pids.max") == "70\n");
    CHECK(docker.call({"update", "--pids-limit", "50", "one"}).code() == 0);
    CHECK(limit("pids", "pids.max", "pids.max") == "50\n");
    CHECK(limit("memory", "memory.limit_in_bytes", "memory.max") == "67108864\n");
    CHECK(docker.call({"update", "--memory", "96m", "--memory-swap", "96m", "one"}).code() == 0);
    CHECK(limit("memory", "memory.limit_in_bytes", "memory.max") == "100663296\n");
    CHECK(limit("pids", "pids.max", "pids.max") == "50\n");
    // The devices are still there.
    CHECK(docker.call({"exec", "one", "/probe", "open", "/dev/null"}).code() == 0);
}

TEST_CASE("docker: restart policies, and a second container in the first one's namespaces",
          "[docker][not-crun][not-runc]") {
    NEEDS(need_docker());
    APPLIES(in_first_view());
    const Docker docker;
    docker.start("one");
    const Finished joined = docker.call({"run", "--rm", "--network", "container:one", "--pid",
                                         "container:one", "test", "/probe", "processes"});
    INFO(joined.err);
    CHECK(joined.code() == 0);
    CHECK(lines_of(joined.out).size() == 3);
    CHECK(has_line(joined.out, "1 probe"));

    REQUIRE(docker
                .call({"run", "--detach", "--network", "none", "--restart", "on-failure:1",
                       "--name", "again", "test", "/probe", "echo", "run", "--", "exit", "9"})
                .code() == 0);
    // Also what has been before it asks.
    Process events(docker.command_line({"events", "--since", "1h", "--filter", "container=again",
                                        "--filter", "event=die", "--format", "{{.Status}}"}),
                   docker.options());
    events.out().wait_for("die\ndie\n");
    CHECK(docker.call({"logs", "again"}).out == "run\nrun\n");
    CHECK(docker.inspect("again", "{{.RestartCount}}") == "1\n");
}

TEST_CASE("docker: with systemd as its cgroup driver",
          "[docker][systemd][vm][not-crun][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    NEEDS(need_docker());
    const Docker docker("systemd");
    docker.start("one", {"--memory", "64m", "--pids-limit", "70"});
    const std::string id = docker.inspect("one", "{{.Id}}").substr(0, 64);
    const pid_t pid = std::stoi(docker.inspect("one", "{{.State.Pid}}"));
    const fs::path cgroup = cgroup_of(pid, "memory");
    CHECK(contains(cgroup.string(), "system.slice/docker-" + id + ".scope"));
    CHECK(read_file(cgroup / "memory.max") == "67108864\n");
    CHECK(read_file(cgroup / "pids.max") == "70\n");
    CHECK(docker.call({"exec", "one", "/probe", "exit", "4"}).code() == 4);
    CHECK(docker.call({"update", "--memory", "96m", "--memory-swap", "96m", "one"}).code() == 0);
    CHECK(read_file(cgroup / "memory.max") == "100663296\n");
    CHECK(docker.call({"stop", "-t", "0", "one"}).code() == 0);
    CHECK(docker.inspect("one", "{{.State.ExitCode}}") == "137\n");
    CHECK(docker.call({"rm", "one"}).code() == 0);
    CHECK(find_cgroups("docker-" + id).empty());
}
