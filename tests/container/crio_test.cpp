// CRI-O as the caller, which Debian does not have: its way through conmon, with conmon's options as
// CRI-O gives them, and its own calls between them.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::optional<std::string> need_conmon() {
    if (auto missing = need_runtime()) return missing;
    return need_program("conmon");
}

// A container of CRI-O.
class Crio {
  public:
    explicit Crio(Strings create_flags = {}, bool systemd = false) : systemd_(systemd) {
        for (const char* directory : {"exit", "persist", "socket"}) {
            fs::create_directories(box_ / directory);
        }
        create_flags_ = std::move(create_flags);
        // The slice, the prefix, and the name as CRI-O chooses them.
        if (systemd_) box_.bundle.linux()["cgroupsPath"] = "system.slice:crio:" + id_;
    }

    void create(const Strings& probe_arguments) {
        box_.bundle.args(probe_arguments).write();
        Strings flags = {
            "-b", box_.bundle.path(),  "--persist-dir", box_ / "persist", "-p", box_ / "pid",
            "-P", box_ / "conmon.pid", "--exit-dir",    box_ / "exit",    "-u", id_};
        flags.insert(flags.end(), create_flags_.begin(), create_flags_.end());
        const Json report = conmon(flags, "log");
        INFO(report.dump());
        pid_ = report.at("pid");
        REQUIRE(pid_ > 0);
        CHECK(read_file(box_ / "pid") == std::to_string(pid_));
        CHECK(status() == "created");
    }
    void start() const {
        start_briefly();
        CHECK(status() == "running");
    }
    // One that may have ended by then.
    void start_briefly() const { CHECK(call({"start", id_}).code() == 0); }
    // What conmon says about a program that it runs in the container: {"exit_code": ...}.
    Json exec(Strings probe_arguments, const Strings& flags) {
        probe_arguments.insert(probe_arguments.begin(), "/probe");
        return exec_command(probe_arguments, flags);
    }
    Json exec_command(const Strings& arguments, const Strings& flags) {
        Json process = box_.bundle.config["process"];
        process["args"] = arguments;
        process["terminal"] = flags.front() == "-t";
        write_file(box_ / "process.json", process.dump());
        fs::remove(box_ / "exec.log");
        Strings all = {"-e", "--exec-process-spec", box_ / "process.json", "-p", box_ / "exec.pid"};
        all.insert(all.end(), flags.begin(), flags.end());
        const Json answer = conmon(all, "exec.log");
        // The program, when it was killed, and its conmon are left to us.
        CHECK(wait_for_children(kDeadline, {conmon_pid()}).empty());
        return answer;
    }
    std::string exec_log() const { return read_file(box_ / "exec.log"); }
    std::string log() const { return read_file(box_ / "log"); }
    std::string status() const { return Json::parse(call({"state", id_}).out).at("status"); }
    Finished call(const Strings& arguments) const { return box_.call(arguments); }

    // The exit status as conmon writes it when the container ended.
    std::string exit_status() const {
        wait_until_dead(conmon_pid());
        (void)living_children();
        return read_file(box_ / "exit" / id_);
    }
    void remove() const {
        CHECK(status() == "stopped");
        CHECK(call({"delete", "--force", id_}).code() == 0);
        CHECK(call({"state", id_}).code() == 1);
        CHECK(box_.leftovers() == Strings{});
    }
    // The container's input and output. Each message that comes begins with the number of a stream.
    UniqueFd attach() const {
        UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        const std::string path = box_ / "socket" / id_ / "attach";
        REQUIRE(path.copy(address.sun_path, sizeof address.sun_path - 1) == path.size());
        // A deadline for what is read.
        const timeval limit{.tv_sec = kDeadline.count() / 1000, .tv_usec = 0};
        REQUIRE(setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
        REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
        return fd;
    }
    Box& box() { return box_; }
    const std::string& id() const { return id_; }
    pid_t pid() const { return pid_; }

  private:
    pid_t conmon_pid() const { return std::stoi(read_file(box_ / "conmon.pid")); }
    // Runs conmon and returns the line that it writes to its parent.
    Json conmon(const Strings& flags, const char* log) {
        Strings command = {find_program("conmon"),
                           "-c",
                           id_,
                           "-n",
                           "k8s_" + id_,
                           "-r",
                           environment().runtime,
                           "-l",
                           box_ / log,
                           "--log-level",
                           "info",
                           "--socket-dir-path",
                           box_ / "socket",
                           "--runtime-arg",
                           "--root=" + box_.root().string()};
        if (systemd_) command.emplace_back("-s");
        command.insert(command.end(), flags.begin(), flags.end());
        // conmon waits with it until it was put into its cgroup.
        Stream start;
        REQUIRE(write(start.write_end(), "", 1) == 1);
        Stream sync;
        CommandOptions options;
        options.environment = Strings{"_OCI_SYNCPIPE=3", "_OCI_STARTPIPE=4"};
        options.fds = {{sync.write_end(), 3}, {start.fd(), 4}};
        Process process(command, options);
        // It goes into the background once it begins, for exec too.
        CHECK(process.wait_exit_only().code() == 0);
        sync.wait_for("\n");
        return Json::parse(lines_of(sync.text()).at(0));
    }

    Box box_;
    std::string id_ = box_.new_id();
    bool systemd_;
    Strings create_flags_;
    pid_t pid_ = 0;
};

void lead_life(bool systemd) {
    Crio crio({}, systemd);
    crio.create({"echo", "begins", "--", "error", "to stderr", "--", "trap", "TERM", "7"});
    crio.start();
    // A probe that is content, one that is not, one that cannot be run, one that takes too long.
    const Strings limit = {"-T", "10"};
    CHECK(crio.exec({"echo", "probed", "--", "processes"}, limit) == Json{{"exit_code", 0}});
    CHECK(contains(crio.exec_log(), " stdout F probed\n"));
    CHECK(contains(crio.exec_log(), " stdout F 1 probe\n"));
    CHECK(crio.exec({"exit", "3"}, limit) == Json{{"exit_code", 3}});
    const Json failed = crio.exec_command({"not-there"}, limit);
    CHECK(failed.at("exit_code") == -1);
    CHECK(contains(failed.at("message").get<std::string>(), "executable file not found in $PATH"));
    CHECK(crio.exec({"sleep"}, {"-T", "1"}) ==
          Json{{"exit_code", -1}, {"message", "command timed out"}});
    // With a terminal, as `kubectl exec -t`.
    CHECK(crio.exec({"tty"}, {"-t"}) == Json{{"exit_code", 0}});
    CHECK(contains(crio.exec_log(), "0=tty /dev/pts/0"));
    CHECK(crio.status() == "running");

    CHECK(crio.call({"kill", crio.id(), "15"}).code() == 0);
    CHECK(crio.exit_status() == "7");
    CHECK(contains(crio.log(), " stdout F begins\n"));
    CHECK(contains(crio.log(), " stderr F to stderr\n"));
    crio.remove();
}

// What comes next from an attached container, without the number of the stream.
std::string received(const UniqueFd& fd) {
    std::array<char, 4096> buffer;
    const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), 0);
    REQUIRE(size > 0);
    CHECK(buffer[0] == 2);  // stdout
    // conmon sends one zero more at the end.
    return std::string(buffer.data() + 1, static_cast<std::size_t>(size) - 1).c_str();
}

}  // namespace

TEST_CASE("crio: a life through conmon, with exec probes", "[conmon][crio]") {
    NEEDS(need_conmon());
    APPLIES(in_first_view());
    lead_life(false);
}

TEST_CASE("crio: a life through conmon in a scope of systemd", "[conmon][crio][systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    NEEDS(need_conmon());
    lead_life(true);
}

TEST_CASE("crio: attach, leave, attach again: stdin stays open", "[conmon][crio]") {
    NEEDS(need_conmon());
    APPLIES(in_first_view());
    Crio crio({"-i", "--leave-stdin-open"});
    crio.create({"stdin", "--", "exit", "9"});
    for (const std::string text : {"first\n", "second\n"}) {
        const UniqueFd attached = crio.attach();
        if (crio.status() == "created") crio.start();
        REQUIRE(write(attached.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
        CHECK(received(attached) == text);
    }
    CHECK(crio.status() == "running");
    CHECK(crio.call({"kill", crio.id(), "KILL"}).code() == 0);
    CHECK(crio.exit_status() == "137");
    CHECK(contains(crio.log(), " stdout F second\n"));
    crio.remove();
}

TEST_CASE("crio: a container that is out of memory is marked so by conmon", "[conmon][crio]") {
    NEEDS(need_conmon());
    APPLIES(in_first_view());
    NEEDS(has_controller("memory") ? std::nullopt
                                   : std::optional<std::string>("no memory controller"));
    Crio crio;
    crio.box().bundle.linux()["resources"]["memory"]["limit"] = 16 << 20;
    crio.create({"alloc", std::to_string(64 << 20)});
    crio.start_briefly();
    CHECK(crio.exit_status() == "137");
    CHECK(fs::exists(crio.box() / "persist/oom"));
    crio.remove();
}
