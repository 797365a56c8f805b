// containerd and its shim as the caller, with everything of their own in our directory.
#include <filesystem>

#include "engine.h"
#include "support/catch.h"
#include "support/cgroup_options.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::optional<std::string> need_containerd() {
    if (auto missing = need_runtime()) return missing;
    return need_program("containerd");
}

class Containerd {
  public:
    Strings command_line(const Strings& arguments) const {
        // The namespace is part of the cgroups' path, and of the runtime root.
        Strings command = {find_program("ctr"), "-a", box_ / "socket", "-n", box_.name()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
    }
    CommandOptions options() const { return engine_options(box_); }
    Finished call(const Strings& arguments) const {
        return run_command(command_line(arguments), options());
    }

    // ctr run FLAGS --rootfs ROOTFS ID /probe ARGUMENTS...
    Strings run_line(const Strings& flags, const std::string& id, const Strings& arguments) const {
        Strings line = {"run", "--runtime", "io.containerd.runc.v2", "--runc-binary",
                        environment().runtime};
        line.insert(line.end(), flags.begin(), flags.end());
        line.insert(line.end(), {"--rootfs", box_.bundle.rootfs(), id});
        line.insert(line.end(), arguments.begin(), arguments.end());
        return line;
    }
    Finished run(const Strings& flags, const std::string& id, const Strings& arguments) const {
        return call(run_line(flags, id, arguments));
    }
    void start(const std::string& id, const Strings& flags = {}) const {
        Strings all = {"--detach"};
        all.insert(all.end(), flags.begin(), flags.end());
        const Finished started = run(all, id, {"/probe", "spawn", "1", "--", "sleep"});
        INFO(started.err);
        REQUIRE(started.code() == 0);
    }
    // "RUNNING", "PAUSED", "STOPPED"; "" when there is no such task.
    std::string status(const std::string& id) const { return field(id, 2); }
    pid_t pid(const std::string& id) const { return std::stoi(field(id, 1)); }

    // Waits for its end and removes it; containerd tells how it ended.
    std::string remove(const std::string& id) const {
        const auto begin = std::chrono::steady_clock::now();
        Finished deleted;
        do {
            deleted = call({"tasks", "delete", id});
        } while (contains(deleted.err, "must be stopped") &&
                 milliseconds_left(begin, kDeadline) > 0);
        CHECK(deleted.code() == 0);
        CHECK(call({"containers", "delete", id}).code() == 0);
        return deleted.err;
    }
    void kill_and_remove(const std::string& id) const {
        CHECK(call({"tasks", "kill", "--signal", "KILL", id}).code() == 0);
        CHECK(contains(remove(id), "exit code 137"));
    }
    Strings runtime_entries() const { return names_in("/run/containerd/runc/" + box_.name()); }
    const Box& box() const { return box_; }

  private:
    std::string field(const std::string& id, std::size_t index) const {
        const auto words = split(line_after(call({"tasks", "ls"}).out, id), ' ');
        return words.size() >= index ? words[index - 1] : "";
    }
    std::string write_config() const {
        write_file(box_ / "config.toml",
                   "version = 2\nroot = \"" + (box_ / "data").string() + "\"\nstate = \"" +
                       (box_ / "state").string() +
                       "\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", "
                       "\"io.containerd.internal.v1.opt\"]\n[grpc]\naddress = \"" +
                       (box_ / "socket").string() + "\"\n[ttrpc]\naddress = \"" +
                       (box_ / "socket.ttrpc").string() + "\"\n");
        return box_ / "config.toml";
    }

    Box box_;
    Daemon daemon_{
        box_, {find_program("containerd"), "--config", write_config()}, "successfully booted"};
};

}  // namespace

TEST_CASE("containerd: run: output, exit status, pid 1 inside, nothing left",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_containerd());
    APPLIES(in_first_view());
    const Containerd containerd;
    const Finished finished = containerd.run(
        {"--rm"}, "first", {"/probe", "echo", "hello", "--", "pid", "--", "exit", "3"});
    INFO(finished.err);
    CHECK(finished.code() == 3);
    CHECK(contains(finished.out, "hello\n"));
    CHECK(contains(finished.out, "pid=1 ppid=0 "));
    CHECK(containerd.runtime_entries() == Strings{});
    CHECK(find_cgroups(containerd.box().name()).empty());
}

TEST_CASE("containerd: a program that is not there, one that may not run",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_containerd());
    APPLIES(in_first_view());
    const Containerd containerd;
    const Finished missing = containerd.run({"--rm"}, "missing", {"not-there"});
    CHECK(missing.code() == 1);
    CHECK(contains(missing.err, "executable file not found in $PATH"));
    const Finished directory = containerd.run({"--rm"}, "directory", {"/etc"});
    CHECK(directory.code() == 1);
    CHECK(contains(directory.err, "permission denied"));
    CHECK(containerd.runtime_entries() == Strings{});
    CHECK(find_cgroups(containerd.box().name()).empty());
}

TEST_CASE("containerd: in the background: list, ps, exec, pause, metrics, kill, delete",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_containerd());
    APPLIES(in_first_view());
    const Containerd containerd;
    containerd.start("one", {"--memory-limit", "67108864"});
    CHECK(containerd.status("one") == "RUNNING");
    const pid_t pid = containerd.pid("one");
    CHECK(fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/pid") !=
          fs::read_symlink("/proc/self/ns/pid"));
    // Both processes, as the host numbers them.
    const std::string listed = containerd.call({"tasks", "ps", "one"}).out;
    CHECK(contains(listed, "\n" + std::to_string(pid) + " "));
    CHECK(lines_of(listed).size() == 3);

    const Finished exec = containerd.call({"tasks", "exec", "--exec-id", "e1", "one", "/probe",
                                           "echo", "in exec", "--", "exit", "5"});
    INFO(exec.err);
    CHECK(exec.code() == 5);
    CHECK(exec.out == "in exec\n");
    const Finished failed =
        containerd.call({"tasks", "exec", "--exec-id", "e2", "one", "not-there"});
    CHECK(failed.code() == 1);
    CHECK(contains(failed.err, "executable file not found in $PATH"));

    if (has_controller("memory")) {
        const Finished metrics = containerd.call({"tasks", "metrics", "one"});
        CHECK(contains(metrics.out, "67108864"));
    }
    CHECK(containerd.call({"tasks", "pause", "one"}).code() == 0);
    CHECK(containerd.status("one") == "PAUSED");
    CHECK(containerd.call({"tasks", "resume", "one"}).code() == 0);
    CHECK(containerd.status("one") == "RUNNING");
    containerd.kill_and_remove("one");
    CHECK(containerd.runtime_entries() == Strings{});
    CHECK(find_cgroups(containerd.box().name()).empty());
}

TEST_CASE("containerd: a container that ends by itself is seen as stopped",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_containerd());
    APPLIES(in_first_view());
    const Containerd containerd;
    REQUIRE(containerd.run({"--detach"}, "short", {"/probe", "exit", "4"}).code() == 0);
    CHECK(contains(containerd.remove("short"), "exit code 4"));
    CHECK(containerd.runtime_entries() == Strings{});
}

TEST_CASE("containerd: run -t and exec -t have a terminal",
          "[containerd][not-crun][not-runc][terminal]") {
    NEEDS(need_containerd());
    APPLIES(in_first_view());
    const Containerd containerd;
    Terminal terminal;
    CommandOptions options = containerd.options();
    for (int number = 0; number <= 2; ++number) {
        options.fds.emplace_back(terminal.slave.get(), number);
    }
    {
        Process run(containerd.command_line(containerd.run_line(
                        {"--rm", "-t"}, "terminal", {"/probe", "tty", "--", "exit", "5"})),
                    options);
        terminal.keyboard.wait_for("0=tty /dev/pts/0");
        CHECK(run.wait_exit_only().code() == 5);
    }
    containerd.start("one");
    Process exec(
        containerd.command_line({"tasks", "exec", "--exec-id", "e1", "-t", "one", "/probe", "echo",
                                 "in exec", "--", "readfd", "0", "--", "exit", "6"}),
        options);
    // It lives until its output has come: the shim may lose that of a process that ends at once.
    terminal.keyboard.wait_for("in exec");
    terminal.keyboard.type("\x04");
    CHECK(exec.wait_exit_only().code() == 6);
    containerd.kill_and_remove("one");
}

TEST_CASE("containerd: a second container joins the namespaces of the first",
          "[containerd][not-crun][not-runc]") {
    NEEDS(need_containerd());
    APPLIES(in_first_view());
    const Containerd containerd;
    containerd.start("one");
    const std::string ns = "/proc/" + std::to_string(containerd.pid("one")) + "/ns/";
    const Finished finished = containerd.run(
        {"--rm", "--with-ns", "pid:" + ns + "pid", "--with-ns", "network:" + ns + "net"}, "two",
        {"/probe", "processes"});
    INFO(finished.err);
    CHECK(finished.code() == 0);
    CHECK(lines_of(finished.out).size() == 3);
    containerd.kill_and_remove("one");
}

TEST_CASE("containerd: with systemd as the cgroup driver",
          "[containerd][systemd][vm][not-crun][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    NEEDS(need_containerd());
    const Containerd containerd;
    const std::string scope = containerd.box().name() + "-one.scope";
    containerd.start(
        "one", {"--runc-systemd-cgroup", "--cgroup",
                "system.slice:" + containerd.box().name() + ":one", "--memory-limit", "67108864"});
    const fs::path cgroup = cgroup_of(containerd.pid("one"), "memory");
    CHECK(contains(cgroup.string(), "system.slice/" + scope));
    CHECK(read_file(cgroup / "memory.max") == "67108864\n");
    CHECK(contains(containerd.call({"tasks", "metrics", "one"}).out, "67108864"));
    CHECK(containerd.call({"tasks", "pause", "one"}).code() == 0);
    CHECK(containerd.status("one") == "PAUSED");
    CHECK(containerd.call({"tasks", "resume", "one"}).code() == 0);
    containerd.kill_and_remove("one");
    CHECK(find_cgroups(containerd.box().name()).empty());
}

TEST_CASE("containerd: a program whose output is thrown away can write", "[containerd][caller]") {
    NEEDS(need_containerd());
    // ctr asks for shares and 1024 descriptors for every container.
    APPLIES(has_controller("cpu") && enough_descriptors());
    const Containerd containerd;
    const std::string id = containerd.box().name();
    const Finished finished = containerd.run(
        {"--null-io", "--rm"}, id,
        {"/probe", "writefd", "1", "x", "--", "writefd", "2", "x", "--", "exit", "7"});
    INFO(finished.err << finished.out);
    CHECK(finished.code() == 7);
}

TEST_CASE("containerd: a checkpoint in its store, restored as another container",
          "[containerd][checkpoint][vm][lxcri]") {
    NEEDS(need_containerd());
    APPLIES(has_working_criu());
    APPLIES(has_controller("cpu") && enough_descriptors());
    const CgroupOptions cgroup_options;
    const Containerd containerd;
    const Box& box = containerd.box();
    REQUIRE(run_command({"/bin/tar", "-C", box.bundle.rootfs(), "-cf", box / "layer.tar", "."})
                .code() == 0);
    const std::string image = "docker.io/library/count:latest";
    const std::string checkpoint = "docker.io/library/checkpoint:latest";
    const fs::path archive =
        write_image_archive(box, image, box / "layer.tar", {"/probe", "count"});
    Strings import{"images", "import"};
    // Since containerd 2 the daemon would unpack, for platforms that its configuration names.
    if (contains(containerd.call({"images", "import", "--help"}).out, "--local")) {
        import.emplace_back("--local");
    }
    import.push_back(archive);
    REQUIRE(containerd.call(import).code() == 0);
    const auto succeeds = [&](const Strings& arguments) {
        const Finished finished = containerd.call(arguments);
        INFO(finished.err << finished.out);
        CHECK(finished.code() == 0);
    };
    const std::string first = box.name() + "-first";
    const std::string second = box.name() + "-second";
    Strings run{
        "run",           "--detach",           "--null-io", "--runtime", "io.containerd.runc.v2",
        "--runc-binary", environment().runtime};
    if (is_virtual_machine()) run.emplace_back("--allow-new-privs");  // CRIU 3.17 loses it
    run.insert(run.end(), {image, first});
    succeeds(run);
    succeeds({"containers", "checkpoint", "--task", first, checkpoint});
    CHECK(containerd.status(first) == "RUNNING");
    containerd.kill_and_remove(first);
    // With `restore -no-subreaper`.
    succeeds({"containers", "restore", "--live", second, checkpoint});
    CHECK(containerd.status(second) == "RUNNING");
    containerd.kill_and_remove(second);
    CHECK(containerd.runtime_entries() == Strings{});
}
