// What the callers wrote, run: each recorded config.json and process.json (tests/specs/callers) and
// each recorded command line. What is of the recorded machine is left out: paths that are not here,
// namespaces and hooks of others, controllers that are missing.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"
#include "support/terminal.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> documents(bool processes) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(LXCRI_TEST_DATA "/specs/callers")) {
        const bool is_process = entry.path().filename().string().starts_with("process-");
        if (is_process == processes) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

// The process as it is written, but for what it runs.
void run_probe(Json& process) {
    process["args"] = {"/probe", "echo", "it runs"};
    process["terminal"] = false;
    process.erase("consoleSize");
    process.erase("apparmorProfile");
    process.erase("selinuxLabel");
    // Limits and scores that only CAP_SYS_RESOURCE may raise.
    process.erase("rlimits");
    if (process.value("oomScoreAdj", 0) < 0) process.erase("oomScoreAdj");
}

bool is_of_another_machine(const Json& mount) {
    const std::string source = mount.value("source", "");
    const std::string type = mount.value("type", "");
    const bool is_bind = type == "bind" || type == "rbind";
    if (!is_bind) return type == "mqueue" && !fs::exists("/proc/sys/fs/mqueue");
    return !fs::exists(source);
}

void adapt_to_this_machine(Json& config, const Json& own) {
    run_probe(config["process"]);
    config["root"]["path"] = own["root"]["path"];
    config.erase("hooks");
    Json mounts = Json::array();
    for (const Json& mount : config["mounts"]) {
        if (!is_of_another_machine(mount)) mounts.push_back(mount);
    }
    config["mounts"] = mounts;
    Json& linux = config["linux"];
    linux["cgroupsPath"] = own["linux"]["cgroupsPath"];
    linux.erase("mountLabel");
    for (Json& space : linux["namespaces"]) space.erase("path");
    Json& resources = linux["resources"];
    for (const auto& [property, controller] : {std::pair{"memory", "memory"},
                                               {"cpu", "cpu"},
                                               {"pids", "pids"},
                                               {"blockIO", "blkio"},
                                               {"hugepageLimits", "hugetlb"},
                                               {"network", "net_cls"},
                                               {"rdma", "rdma"}}) {
        if (!has_controller(controller)) resources.erase(property);
    }
    resources.erase("unified");
    Json devices = Json::array();
    for (const Json& device : linux.value("devices", Json::array())) {
        if (device.value("path", "") != "/dev/ptmx") devices.push_back(device);
    }
    linux["devices"] = devices;
}

}  // namespace

TEST_CASE("callers: each recorded config.json makes a container that runs", "[callers][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    const auto paths = documents(false);
    REQUIRE(paths.size() == 51);
    for (const fs::path& path : paths) {
        INFO(path.filename().string());
        Box box;
        const Json own = box.bundle.config;
        box.bundle.config = Json::parse(read_file(path));
        adapt_to_this_machine(box.bundle.config, own);
        const Outcome outcome = box.life();
        CHECK(outcome.code == 0);
        CHECK(outcome.out == "it runs\n");
        CHECK(outcome.err == "");
    }
}

TEST_CASE("callers: each recorded process.json is executed", "[callers][exec]") {
    NEEDS(need_runtime());
    APPLIES(in_first_view());
    const auto paths = documents(true);
    REQUIRE(paths.size() == 31);
    Box box;
    for (const char* directory : {"root", "home", "work", "srv"}) {
        fs::create_directories(box.bundle.in_rootfs(directory));
    }
    Container container = box.sleeper();
    for (const fs::path& path : paths) {
        INFO(path.filename().string());
        Json process = Json::parse(read_file(path));
        run_probe(process);
        write_file(box / "process.json", process.dump());
        const Finished finished =
            box.call({"exec", "--process", box / "process.json", container.id()});
        CHECK(finished.code() == 0);
        CHECK(finished.out == "it runs\n");
        CHECK(finished.err == "");
    }
}

namespace {

// A recorded command line with places for what differs from call to call.
struct Recorded {
    const char* caller;
    const char* line;
    int code = 0;
    const char* status = nullptr;  // of the container afterwards; nullptr: not looked at
};

// One life after the other; $SOCKET and $TERMINAL stand only where there is a terminal.
constexpr Recorded kPodman[] = {
    {"podman", "--version"},
    {"conmon",
     "--log-format=json --log $LOG create --bundle $BUNDLE --pid-file $PIDFILE --preserve-fds 1 "
     "$ID",
     0, "created"},
    {"podman", "start $ID", 0, "running"},
    {"conmon",
     "--log-format=json --log $LOG exec --pid-file $PIDFILE2 --process $PROCESS --detach $ID"},
    {"conmon",
     "--log-format=json --log $LOG exec --pid-file $PIDFILE2 --process $PROCESS --detach "
     "--preserve-fds 1 $ID"},
    {"podman", "kill $ID 28", 0, "running"},
    {"podman", "pause $ID", 0, "paused"},
    {"podman", "resume $ID", 0, "running"},
    {"podman", "update --resources=$RESOURCES $ID"},
    {"podman", "kill $ID 9", 0, "stopped"},
    {"podman", "delete --force $ID"},
    {"podman", "delete --force $ID"},
};
constexpr Recorded kPodmanWithoutCgroups[] = {
    {"conmon",
     "--log-format=json --log $LOG --cgroup-manager disabled create --bundle $BUNDLE --pid-file "
     "$PIDFILE $ID",
     0, "created"},
    {"podman", "start $ID", 0, "running"},
    {"podman", "kill $ID 15"},
    {"podman", "delete --force $ID"},
};
constexpr Recorded kBuildah[] = {
    {"buildah", "create --bundle $BUNDLE --pid-file $PIDFILE $ID", 0, "created"},
    {"buildah", "start $ID", 0, "running"},
    {"buildah", "state $ID"},
    {"buildah", "kill $ID 9", 0, "stopped"},
    {"buildah", "delete $ID"},
    {"buildah", "state $ID", 1},
};
constexpr Recorded kShim[] = {
    {"shim",
     "--root $ROOT --log $LOG --log-format json create --bundle $BUNDLE --pid-file $PIDFILE $ID", 0,
     "created"},
    {"shim", "--root $ROOT --log $LOG --log-format json start $ID", 0, "running"},
    {"shim",
     "--root $ROOT --log $LOG --log-format json exec --process $PROCESS --detach --pid-file "
     "$PIDFILE2 $ID"},
    {"shim", "--root $ROOT --log $LOG --log-format json ps --format json $ID"},
    {"shim", "--root $ROOT --log $LOG --log-format json pause $ID", 0, "paused"},
    {"shim", "--root $ROOT --log $LOG --log-format json resume $ID", 0, "running"},
    {"shim", "--root $ROOT --log $LOG --log-format json update --resources - $ID"},
    {"shim", "--root $ROOT --log $LOG --log-format json kill $ID 28"},
    {"shim", "--root $ROOT --log $LOG --log-format json kill --all $ID 9", 0, "stopped"},
    {"shim", "--root $ROOT --log $LOG --log-format json delete $ID"},
    {"shim", "--root $ROOT --log $LOG --log-format json delete --force $ID"},
};
constexpr Recorded kCrio[] = {
    {"crio", "--version"},
    {"crio", "features"},
    {"conmon", "--root=$ROOT create --bundle $BUNDLE --pid-file $PIDFILE $ID", 0, "created"},
    {"crio", "--root $ROOT state $ID"},
    {"crio", "--root $ROOT start $ID", 0, "running"},
    {"conmon", "--root=$ROOT exec --pid-file $PIDFILE2 --process $PROCESS --detach $ID"},
    {"crio", "--root $ROOT exec --process $PROCESS $ID"},
    {"crio", "--root $ROOT update --resources - $ID"},
    {"crio", "--root $ROOT kill $ID 28"},
    {"crio", "--root $ROOT kill $ID KILL", 0, "stopped"},
    {"crio", "--root $ROOT delete --force $ID"},
    {"crio", "--root $ROOT state $ID", 1},
};
constexpr Recorded kCrioPod[] = {
    {"conmon", "--root=$ROOT create --bundle $BUNDLE --pid-file $PIDFILE $ID", 0, "created"},
    {"crio", "--root $ROOT start $ID", 0, "running"},
    {"crio", "--root $ROOT kill -a $ID 9", 0, "stopped"},
    {"crio", "--root $ROOT delete --force $ID"},
};

// A container's life as a caller leads it.
class Life {
  public:
    Life() {
        // As Podman writes them, whether there are cgroups or not.
        box_.bundle.linux()["resources"]["devices"] = {{{"allow", false}, {"access", "rwm"}}};
        box_.bundle.args({"sleep"}).write();
        Json process = box_.bundle.config["process"];
        process["args"] = {"/probe", "true"};
        write_file(box_ / "process.json", process.dump());
        Json resources = Json::object();
        if (has_controller("pids")) resources["pids"]["limit"] = 50;
        // Docker means "as it is" by 0, and containerd does not mean this rule.
        resources["memory"]["limit"] = 0;
        resources["cpu"]["shares"] = 0;
        resources["devices"] = {{{"allow", false}, {"access", "rwm"}}};
        write_file(box_ / "resources.json", resources.dump());
    }

    void call(const Recorded& recorded) {
        CAPTURE(recorded.caller, recorded.line);
        const Strings words = split(recorded.line, ' ');
        const auto has = [&](const char* word) {
            return std::find(words.begin(), words.end(), word) != words.end();
        };
        const std::string status = recorded.status == nullptr ? "" : recorded.status;
        Strings line = {environment().runtime};
        const bool has_root = contains(recorded.line, "$ROOT");
        // The tests' own; Podman's and buildah's calls name none.
        if (!has_root) line.push_back("--root=" + box_.root().string());
        for (const std::string& word : words) line.push_back(filled(word));
        CommandOptions options;
        options.environment = Strings{};  // conmon gives next to nothing
        options.ignored_signals = {SIGPIPE};
        const UniqueFd third(open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (has("--preserve-fds")) options.fds = {{third.get(), 3}};
        if (has("--resources")) {
            options.input = read_file(box_ / "resources.json");
        }
        Process process(line, options);
        // Not for its output: those that create and exec leave behind have it.
        const Finished finished = process.wait_exit_only();
        CAPTURE(finished.err, read_file(box_ / "log"));
        CHECK(finished.code() == recorded.code);
        if (recorded.code == 0) {
            CHECK(finished.err == "");
            // Warnings are records of their own level; engines read the log of what failed.
            for (const std::string& record : lines_of(read_file(box_ / "log"))) {
                CHECK(Json::parse(record).at("level") == "warning");
            }
        }
        if (has("create")) pid_ = std::stoi(read_file(box_ / "pid"));
        if (has("kill") && status == "stopped") (void)wait_for_child(pid_);
        if (has("--detach")) (void)wait_for_child(std::stoi(read_file(box_ / "pid2")));
        check_output(recorded, finished.out);
        if (!status.empty()) {
            CHECK(Json::parse(box_.call({"state", id_}).out).at("status") == status);
        }
    }
    Box& box() { return box_; }

  private:
    std::string filled(std::string word) const {
        const std::pair<std::string, std::string> places[] = {
            {"$ROOT", box_.root()},
            {"$BUNDLE", box_.bundle.path()},
            {"$PIDFILE2", box_ / "pid2"},
            {"$PIDFILE", box_ / "pid"},
            {"$PROCESS", box_ / "process.json"},
            {"$RESOURCES", box_ / "resources.json"},
            {"$LOG", box_ / "log"},
            {"$ID", id_}};
        for (const auto& [place, value] : places) {
            const std::size_t at = word.find(place);
            if (at != std::string::npos) return word.replace(at, place.size(), value);
        }
        return word;
    }
    // What the caller reads back.
    void check_output(const Recorded& recorded, const std::string& out) const {
        const std::string_view line = recorded.line;
        if (line == "--version") {
            const Strings lines = lines_of(out);
            REQUIRE(lines.size() >= 3);
            CHECK(contains(lines[0], " version "));
            CHECK(lines[1].starts_with("commit: "));
            CHECK(lines[2].starts_with("spec: "));
        } else if (line == "features") {
            const Json features = Json::parse(out);
            CHECK(features.at("ociVersionMin").is_string());
            CHECK(features.at("ociVersionMax").is_string());
            CHECK(features.at("linux").at("mountExtensions").at("idmap").at("enabled") == true);
        } else if (contains(line, " ps --format json")) {
            CHECK(Json::parse(out) == Json::array({pid_}));
        } else if (contains(line, "state") && recorded.code == 0) {
            const Json state = Json::parse(out);
            CHECK(state.at("pid") == pid_);
            CHECK(state.at("created").is_string());
            // CRI-O decodes into a structure that has more: nothing of these with another type.
            for (const char* key : {"started", "finished", "exitCode", "oomKilled", "error",
                                    "initPid", "initStartTime"}) {
                CHECK(!state.contains(key));
            }
        } else {
            CHECK(out == "");
        }
    }

    Box box_;
    std::string id_ = box_.new_id();
    pid_t pid_ = 0;
};

template <std::size_t N>
void lead_life(const Recorded (&lines)[N]) {
    Life life;
    for (const Recorded& recorded : lines) life.call(recorded);
    CHECK(life.box().leftovers() == Strings{});
}

}  // namespace

TEST_CASE("callers: the recorded command lines of Podman and conmon", "[callers][lxcri]") {
    NEEDS(need_runtime());
    lead_life(kPodman);
    lead_life(kPodmanWithoutCgroups);
}

TEST_CASE("callers: the recorded command lines of buildah", "[callers]") {
    NEEDS(need_runtime());
    lead_life(kBuildah);
}

TEST_CASE("callers: the recorded command lines of containerd's shim", "[callers][lxcri]") {
    NEEDS(need_runtime());
    lead_life(kShim);
}

TEST_CASE("callers: the recorded command lines of CRI-O", "[callers][lxcri]") {
    NEEDS(need_runtime());
    lead_life(kCrio);
    lead_life(kCrioPod);
}
