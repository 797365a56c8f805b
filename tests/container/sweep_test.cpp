// Every system call of every command, for root and for an ordinary user: the command is killed
// there, or the call fails. Whatever the moment, no command waits for good, and `delete --force`
// removes everything. Of so many calls a sample is taken; all with LXCRI_TEST_EVERY_CALL=1
// (`./dev test sweep`).
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "hooks.h"
#include "support/catch.h"
#include "support/environment.h"
#include "support/ordinary_user.h"
#include "support/runtime.h"
#include "support/tracer.h"

using namespace lxcri::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

enum class User { root, ordinary };

// A hook fails when all is there that create makes: most of the calls remove it.
constexpr std::string_view kFailingCreate = "create that fails";
constexpr std::string_view kCreateWithMonitor = "create with a monitor";

// Containers in the state that the command needs, one after the other.
class Scene {
  public:
    Scene(std::string command, User user) : command_(std::move(command)), user_(user) {
        Bundle& bundle = box.bundle;
        bundle.args({"trap", "TERM", "0"});
        bundle.config["hooks"]["poststop"] = Json::array({hook({"true"})});
        if (creates() || command_ == "start") {
            for (const char* kind : {"createRuntime", "createContainer", "poststart"}) {
                bundle.config["hooks"][kind] = Json::array({hook({"true"})});
            }
        }
        if (command_ == kFailingCreate) {
            bundle.config["hooks"]["createRuntime"] = Json::array({failing_hook("on purpose")});
        }
        fs::create_directories(box / "pids");
        fs::create_directories(box / "source");
        if (user_ == User::ordinary) {
            become_ordinary();
            return;
        }
        Json mount = {{"destination", "/mapped"},
                      {"type", "bind"},
                      {"source", box / "source"},
                      {"options", {"bind"}}};
        mount["uidMappings"] = Json::array({mapping(0, 1000, 1000)});
        mount["gidMappings"] = Json::array({mapping(0, 1000, 1000)});
        bundle.add_mount(mount);
    }

    const std::string& id() const { return id_; }

    // The command line for one more container.
    Strings prepare() {
        if (user_ == User::root) {
            box.bundle.linux()["cgroupsPath"] = "/" + box.name() + "-pod/" + box.name();
        }
        if (creates() || command_ == "run") {
            box.bundle.args(command_ == "run" ? Strings{"true"} : Strings{"trap", "TERM", "0"});
            box.bundle.write();
            id_ = box.new_id();
            return box.command_line({"--monitor",
                                     command_ == kCreateWithMonitor ? "keep" : "hand-over",
                                     creates() ? "create" : command_, "--bundle", box.bundle.path(),
                                     "--pid-file", box / "pids/pid", id_});
        }
        CreateOptions quiet;
        quiet.quiet = true;
        Container container = box.create(quiet);
        id_ = container.id();
        pid_ = container.pid();
        if (command_ != "start") container.start();
        if (command_ == "delete") {
            container.kill();
            (void)container.wait();
        }
        if (command_ == "resume") REQUIRE(box.call({"pause", id_}).code() == 0);
        if (command_ == "delete --force") return box.command_line({"delete", "--force", id_});
        Strings line = {command_, id_};
        if (command_ == "kill") line.emplace_back("KILL");
        if (command_ == "exec") line.insert(line.end(), {"/probe", "true"});
        if (command_ == "update") line.insert(line.begin() + 1, {"--pids-limit", "100"});
        return box.command_line(line);
    }

    CommandOptions options() const {
        CommandOptions options;
        // Its output must not keep a pipe open.
        options.fds = {{null_.get(), 1}};
        if (user_ == User::ordinary) options.uid = kUser;
        return options;
    }

    void check_force_removes() {
        // What an `exec` has left is ours now, and the container ends when we have reaped it.
        if (command_ == "exec") (void)wait_for_children(milliseconds{5000}, {pid_});
        const Finished removed = box.call({"delete", "--force", id_});
        INFO("delete said: " << removed.err);
        CHECK(removed.code() == 0);
        CHECK(removed.duration < 8s);
        CHECK(box.leftovers() == Strings{});
        for (const std::string& name : names_in(box / "pids")) CHECK(name == "pid");
    }

    Box box;

  private:
    bool creates() const { return command_.starts_with("create"); }

    static Json mapping(unsigned inside, unsigned outside, unsigned size) {
        return {{"containerID", inside}, {"hostID", outside}, {"size", size}};
    }

    // With more IDs than one: newuidmap(1) maps them.
    void become_ordinary() {
        Bundle& bundle = box.bundle;
        bundle.add_namespace("user");
        bundle.remove_namespace("network");
        bundle.remove_mount("/sys/fs/cgroup");
        bundle.linux().erase("cgroupsPath");
        const std::vector<Json> mappings = {mapping(0, kUser, 1), mapping(1, kSubordinate, 1000)};
        bundle.linux()["uidMappings"] = mappings;
        bundle.linux()["gidMappings"] = mappings;
        bundle.add_mount({{"destination", "/bound"},
                          {"type", "bind"},
                          {"source", box / "source"},
                          {"options", {"bind"}}});
        ids_.emplace(box / ".");
        box.give_to(kUser);
        REQUIRE(chown((box / "pids").c_str(), kUser, kUser) == 0);
    }

    std::string command_;
    User user_;
    std::string id_;
    pid_t pid_ = 0;
    lxcri::os::UniqueFd null_{open("/dev/null", O_RDWR | O_CLOEXEC)};
    std::optional<SubordinateIds> ids_;
};

std::optional<std::string> missing_for(User user) {
    if (auto missing = need_runtime()) return missing;
    return user == User::ordinary ? need_program("newuidmap") : std::nullopt;
}

struct Sweep {
    const char* command;
    User user;
    long sample;
};

// For a look at one command alone: container_tests "sweep: *" -c "create".
std::string title(const Sweep& sweep) {
    return std::string(sweep.command) + (sweep.user == User::ordinary ? ", not root" : "");
}

// The test stops at what this machine lacks.
bool applies(const Sweep& sweep) {
    return std::string_view(sweep.command) != "update" || has_controller("pids");
}

}  // namespace

TEST_CASE("sweep: a command is killed at a system call, delete --force removes everything",
          "[sweep][interrupted][lxcri]") {
    const auto sweep = GENERATE(
        Sweep{"create", User::root, 40}, Sweep{kCreateWithMonitor.data(), User::root, 20},
        Sweep{kFailingCreate.data(), User::root, 20}, Sweep{"run", User::root, 25},
        Sweep{"start", User::root, 12}, Sweep{"exec", User::root, 15}, Sweep{"kill", User::root, 6},
        Sweep{"delete", User::root, 20}, Sweep{"delete --force", User::root, 25},
        Sweep{"update", User::root, 12}, Sweep{"pause", User::root, 8},
        Sweep{"resume", User::root, 8}, Sweep{"state", User::root, 3},
        Sweep{"create", User::ordinary, 40}, Sweep{"run", User::ordinary, 15},
        Sweep{"exec", User::ordinary, 10}, Sweep{"delete --force", User::ordinary, 10});
    NEEDS(missing_for(sweep.user));
    if (!applies(sweep)) return;
    DYNAMIC_SECTION(title(sweep)) {
        Scene scene(sweep.command, sweep.user);
        const auto one = [&](long cut) {
            const Strings line = scene.prepare();
            const Traced traced = run_and_kill(line, scene.options(), Victim::kCommand, cut);
            CAPTURE(sweep.command, sweep.user == User::ordinary, cut, traced.number);
            scene.check_force_removes();
            return traced;
        };
        const Traced whole = one(0);
        CAPTURE(sweep.command, whole.command.err);
        REQUIRE(whole.command.code() == (sweep.command == kFailingCreate ? 1 : 0));
        for (const long cut : choose_cuts(whole.calls, sweep.sample)) (void)one(cut);
    }
}

TEST_CASE("sweep: a helper or init is killed at a system call: create fails or it worked",
          "[sweep][interrupted][lxcri]") {
    const auto sweep = GENERATE(Sweep{"create", User::root, 60},
                                Sweep{"create", User::ordinary, 30}, Sweep{"exec", User::root, 15});
    NEEDS(missing_for(sweep.user));
    DYNAMIC_SECTION(title(sweep)) {
        Scene scene(sweep.command, sweep.user);
        const auto one = [&](long cut) {
            const Strings line = scene.prepare();
            const Traced traced = run_and_kill(line, scene.options(), Victim::kDescendant, cut);
            CAPTURE(sweep.command, sweep.user == User::ordinary, cut, traced.number,
                    traced.command.err);
            CHECK(!traced.hung);
            if (sweep.command == std::string_view("create") && traced.command.code() != 0) {
                CHECK(traced.command.code() == 1);
                CHECK(lines_of(traced.command.err).size() == 1);
                CHECK(scene.box.leftovers() == Strings{});
            } else {
                // The one that died had done its work, or was init after create had ended.
                CHECK(scene.box.call({"state", scene.id()}).code() == 0);
            }
            scene.check_force_removes();
            return traced;
        };
        const Traced whole = one(0);
        REQUIRE(whole.command.code() == 0);
        for (const long cut : choose_cuts(whole.calls, sweep.sample)) (void)one(cut);
    }
}

TEST_CASE("sweep: a system call fails: the command does, and says why, or it has worked",
          "[sweep][faults][slow][lxcri]") {
    const auto sweep = GENERATE(
        Sweep{"create", User::root, 40}, Sweep{kFailingCreate.data(), User::root, 25},
        Sweep{kFailingCreate.data(), User::ordinary, 10}, Sweep{"run", User::root, 20},
        Sweep{"start", User::root, 10}, Sweep{"exec", User::root, 15},
        Sweep{"delete", User::root, 12}, Sweep{"delete --force", User::root, 15},
        Sweep{"update", User::root, 10}, Sweep{"pause", User::root, 6},
        Sweep{"resume", User::root, 6}, Sweep{"kill", User::root, 4}, Sweep{"state", User::root, 3},
        Sweep{"create", User::ordinary, 25}, Sweep{"exec", User::ordinary, 8});
    const Victim victim = GENERATE(Victim::kCommand, Victim::kDescendant);
    const std::string_view command = sweep.command;
    const bool has_helpers = command == "create" || command == "exec";
    if (victim == Victim::kDescendant && !has_helpers) return;
    NEEDS(missing_for(sweep.user));
    if (!applies(sweep)) return;
    DYNAMIC_SECTION(title(sweep)) {
        Scene scene(sweep.command, sweep.user);
        const auto one = [&](long cut) {
            const Strings line = scene.prepare();
            const int error = cut % 2 == 0 ? ENOMEM : EIO;
            const Traced traced = run_and_fail(line, scene.options(), victim, cut, error);
            CAPTURE(sweep.command, sweep.user == User::ordinary, victim == Victim::kDescendant, cut,
                    traced.number, error, describe_status(traced.command.status),
                    traced.command.err);
            CHECK(!traced.hung);
            const int code = traced.command.code();
            // The status of an exec is its process's, which may be the one that had the call fail.
            const bool is_ours = command != "exec" || victim == Victim::kCommand;
            if (code > 0 && is_ours) {
                constexpr int kNotLoaded = 127;  // the C library had the call fail, and says so
                const int failure = command == "exec" ? 255 : 1;
                CHECK((code == failure || code == kNotLoaded));
                // Unless it was the line itself that could not be written.
                const bool says = traced.number != SYS_write || !traced.command.err.empty();
                CHECK(lines_of(traced.command.err).size() == (says ? 1 : 0));
            }
            if (code > 0 && command == "create") CHECK(scene.box.leftovers() == Strings{});
            scene.check_force_removes();
            return traced;
        };
        const Traced whole = one(0);
        REQUIRE(whole.command.code() == (command == kFailingCreate ? 1 : 0));
        for (const long cut : choose_cuts(whole.calls, sweep.sample)) (void)one(cut);
    }
}
