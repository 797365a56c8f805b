// --systemd-cgroup: the container's scope. What needs systemd runs in the virtual machine.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace os = lxcri::os;
namespace fs = std::filesystem;

namespace {

const fs::path kCgroups = "/sys/fs/cgroup";

CreateOptions with_systemd() {
    CreateOptions options;
    options.global = {"--systemd-cgroup"};
    return options;
}

Finished systemctl(Strings arguments) {
    arguments.insert(arguments.begin(), find_program("systemctl"));
    return run_command(arguments);
}

// "" when systemd does not know the unit.
std::string property_of(const std::string& unit, const std::string& name) {
    const std::string out = systemctl({"show", "--value", "-p", name, "--", unit}).out;
    return out.substr(0, out.find('\n'));
}

// The units whose names contain this, in whatever state.
Strings units_like(const std::string& part) {
    Strings found;
    const Finished listed = systemctl({"list-units", "--all", "--plain", "--no-legend", "--full"});
    for (const std::string& line : lines_of(listed.out)) {
        const std::string unit = line.substr(0, line.find(' '));
        if (contains(unit, part)) found.push_back(unit);
    }
    return found;
}

// A Box whose containers are in "system.slice:lxcritest:NAME".
struct SystemdBox : Box {
    SystemdBox() { bundle.linux()["cgroupsPath"] = "system.slice:lxcritest:" + name(); }

    std::string unit() const { return "lxcritest-" + name() + ".scope"; }
    fs::path scope() const { return kCgroups / "system.slice" / unit(); }

    Container sleeper() {
        bundle.args({"trap", "TERM", "0"});
        Container container = create(with_systemd());
        container.start();
        container.out().wait_for("ready");
        return container;
    }
    // Ends it by itself: systemd then forgets the scope by itself.
    void end(Container& container) {
        container.kill("TERM");
        CHECK(container.wait_code() == 0);
    }
    void check_nothing_left() const {
        CHECK(leftovers() == Strings{});
        CHECK(units_like(name()) == Strings{});
    }
};

std::string content(const fs::path& file) {
    const std::vector<std::string> lines = lines_of(read_file(file));
    return lines.empty() ? "" : lines.back();
}

}  // namespace

TEST_CASE("vm: the virtual machine is the host that it is there for", "[vm]") {
    APPLIES(is_virtual_machine());
    CHECK(has_systemd());
    CHECK(environment().layout == CgroupLayout::kV2);
    for (const char* name : {"cpu", "cpuset", "io", "memory", "pids", "hugetlb", "rdma"}) {
        CAPTURE(name);
        CHECK(has_controller(name));
    }
    CHECK(read_file("/sys/module/apparmor/parameters/enabled") == "Y\n");
    CHECK(systemctl({"is-active", "user@1000.service"}).out == "active\n");
}

TEST_CASE("systemd: without a bus create fails, says so and leaves nothing", "[systemd][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    CreateOptions options = with_systemd();
    options.command.environment = Strings{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere"};
    const std::string error = box.refusal(options);
    CAPTURE(error);
    CHECK(contains(error, "system bus"));
    CHECK(contains(error, "no such file or directory"));
}

TEST_CASE("systemd: a cgroupsPath that names no unit is refused with its pointer",
          "[systemd][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    box.bundle.linux()["cgroupsPath"] = GENERATE(
        as<std::string>(), "/a/b", "a", "a.slice:b", "a.slice:b:", "a:b:c", "a.slice:b:c:d",
        "a.slice:b:c/d", "a--b.slice:c:d", "../a.slice:b:c", "a.slice:b:c d");
    CAPTURE(box.bundle.linux()["cgroupsPath"].get<std::string>());
    CHECK(contains(box.refusal(with_systemd()), "/linux/cgroupsPath"));
}

TEST_CASE("systemd: the container is in the scope that cgroupsPath names", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    struct Case {
        std::string slice, prefix, directory;
    };
    const Case chosen = GENERATE(values<Case>({
        {"", "pre", "system.slice/pre-"},
        {"system.slice", "", "system.slice/-"},
        {"-.slice", "pre", "pre-"},
        {"lxcritest-a.slice", "pre", "lxcritest.slice/lxcritest-a.slice/pre-"},
    }));
    CAPTURE(chosen.slice, chosen.prefix);
    box.bundle.linux()["cgroupsPath"] = chosen.slice + ":" + chosen.prefix + ":" + box.name();
    Container container = box.create(with_systemd());
    const fs::path scope = kCgroups / (chosen.directory + box.name() + ".scope");
    CHECK(cgroup_of(container.pid(), "pids") == scope / "container");
    CHECK(read_file(scope / "container/cgroup.procs") == std::to_string(container.pid()) + "\n");
    CHECK(read_file(scope / "cgroup.procs") == "");
    CHECK(property_of(scope.filename(), "ActiveState") == "active");
    CHECK(property_of(scope.filename(), "Delegate") == "yes");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(box.leftovers() == Strings{});
    CHECK(units_like(box.name()) == Strings{});
    (void)systemctl({"stop", "lxcritest.slice"});
}

TEST_CASE("systemd: without a cgroupsPath the scope is named after the ID", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    Box box;
    box.bundle.linux().erase("cgroupsPath");
    const std::string id = box.name() + "+x";
    Container container = box.create(with_systemd(), id);
    CHECK(cgroup_of(container.pid(), "pids") ==
          kCgroups / "system.slice" / ("lxcri-" + box.name() + "\\x2bx.scope") / "container");
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    CHECK(units_like(box.name()) == Strings{});
}

TEST_CASE("systemd: a container's life, from its own point of view", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    const Outcome outcome =
        box.life({"cat", "/proc/self/cgroup", "--", "ls", "/sys/fs/cgroup", "--", "exit", "3"},
                 with_systemd());
    CHECK(outcome.code == 3);
    CHECK(has_line(outcome.out, "0::/"));
    CHECK(has_line(outcome.out, "cgroup.procs"));
    box.check_nothing_left();
}

TEST_CASE("systemd: limits are the unit's too, and outlive a reload", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.bundle.linux()["resources"] = {
        {"memory", {{"limit", 32 << 20}, {"reservation", 16 << 20}, {"swap", 48 << 20}}},
        {"cpu", {{"shares", 512}, {"quota", 50000}, {"period", 100000}, {"cpus", "1"}}},
        {"pids", {{"limit", 50}}},
        {"blockIO", {{"weight", 200}}},
        {"unified", {{"memory.high", "30000128"}}},
    };
    Container container = box.sleeper();
    const std::vector<std::pair<const char*, const char*>> properties = {
        {"MemoryMax", "33554432"},
        {"MemoryLow", "16777216"},
        {"MemorySwapMax", "16777216"},
        {"MemoryHigh", "29999104"},
        {"CPUQuotaPerSecUSec", "500ms"},
        {"CPUQuotaPeriodUSec", "100ms"},
        {"AllowedCPUs", "1"},
        {"TasksMax", "50"},
        {"IOWeight", "1920"},
    };
    for (const auto& [name, value] : properties) {
        CAPTURE(name);
        CHECK(property_of(box.unit(), name) == value);
    }
    CHECK(systemctl({"daemon-reload"}).code() == 0);
    for (const char* file : {"memory.max", "memory.low", "memory.swap.max", "memory.high",
                             "cpu.max", "cpu.weight", "cpuset.cpus", "pids.max", "io.weight"}) {
        CAPTURE(file);
        CHECK(content(box.scope() / file) == content(box.scope() / "container" / file));
    }
    CHECK(content(box.scope() / "container/memory.max") == "33554432");
    box.end(container);
    container.remove();
    box.check_nothing_left();
}

TEST_CASE("systemd: update changes the unit with the cgroup", "[systemd][update][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.bundle.linux()["resources"] = {{"memory", {{"limit", 64 << 20}}},
                                       {"pids", {{"limit", 50}}}};
    Container container = box.sleeper();
    const Finished updated =
        box.call({"update", "--memory", std::to_string(96 << 20), "--cpu-quota", "20000",
                  "--cpu-period", "100000", container.id()});
    INFO(updated.err);
    REQUIRE(updated.code() == 0);
    CHECK(property_of(box.unit(), "MemoryMax") == std::to_string(96 << 20));
    CHECK(property_of(box.unit(), "CPUQuotaPerSecUSec") == "200ms");
    CHECK(property_of(box.unit(), "TasksMax") == "50");  // the rest is kept
    CHECK(systemctl({"daemon-reload"}).code() == 0);
    CHECK(content(box.scope() / "container/memory.max") == std::to_string(96 << 20));
    CHECK(content(box.scope() / "container/cpu.max") == "20000 100000");
    // What is refused leaves both as they were.
    CHECK(box.call({"update", "--memory", std::to_string(32 << 20), "--cpu-quota", "-5",
                    container.id()})
              .code() == 1);
    CHECK(property_of(box.unit(), "MemoryMax") == std::to_string(96 << 20));
    box.end(container);
    container.remove();
    box.check_nothing_left();
}

TEST_CASE("systemd: pause, ps, kill of a paused container", "[systemd][pause][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    Container container = box.sleeper();
    CHECK(box.call({"pause", container.id()}).code() == 0);
    CHECK(container.status() == "paused");
    CHECK(Json::parse(box.call({"ps", "--format", "json", container.id()}).out) ==
          Json{container.pid()});
    CHECK(box.call({"resume", container.id()}).code() == 0);
    CHECK(container.status() == "running");
    CHECK(box.exec(container, {"echo", "beside"}).out == "beside\n");
    CHECK(box.call({"pause", container.id()}).code() == 0);
    container.kill("KILL");
    CHECK(container.wait_code() == -SIGKILL);
    container.remove();
    box.check_nothing_left();
}

TEST_CASE("systemd: a memory limit need not be enough for lxcri", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.bundle.linux()["resources"] = {{"memory", {{"limit", 1 << 20}}}, {"pids", {{"limit", 1}}}};
    CHECK(box.life({"true"}, with_systemd()).code == 0);
    box.check_nothing_left();
}

TEST_CASE("systemd: a container killed because memory ran out leaves no failed unit",
          "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.bundle.linux()["resources"]["memory"] = {{"limit", 16 << 20}, {"swap", 16 << 20}};
    CHECK(box.life({"alloc", "64000000"}, with_systemd()).code == -SIGKILL);
    box.check_nothing_left();
}

TEST_CASE("systemd: a create that fails leaves no unit", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    SECTION("in init") {
        box.bundle.args({}).process()["args"] = {"/nothing-here"};
    }
    SECTION("in a hook") {
        box.bundle.config["hooks"]["createRuntime"] = Json::array({{{"path", "/bin/false"}}});
    }
    SECTION("in the limits") {
        box.bundle.linux()["resources"]["unified"]["memory.max"] = "what";
    }
    (void)box.refusal(with_systemd());
    box.check_nothing_left();
}

TEST_CASE("systemd: a unit that is in use is refused, the other container is unharmed",
          "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    Container first = box.sleeper();
    Container second = box.try_create(with_systemd());
    CHECK(second.created.code() == 1);
    CHECK(contains(second.created.err, box.unit()));
    CHECK(box.call({"delete", "--force", second.id()}).code() == 0);
    CHECK(first.status() == "running");
    CHECK(property_of(box.unit(), "ActiveState") == "active");
}

TEST_CASE("systemd: delete does not stop a later container's unit of the same name",
          "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    Container first = box.sleeper();
    box.end(first);
    Container second = box.sleeper();
    first.remove();
    CHECK(second.status() == "running");
    CHECK(property_of(box.unit(), "ActiveState") == "active");
    box.end(second);
    second.remove();
    box.check_nothing_left();
}

TEST_CASE("systemd: what others have put into the scope ends with it", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    Container container = box.sleeper();
    const fs::path other = box.scope() / "other";
    REQUIRE(mkdir(other.c_str(), 0755) == 0);
    Process stranger({"/bin/sleep", "1000"});
    write_file(other / "cgroup.procs", std::to_string(stranger.pid()));
    REQUIRE(cgroup_of(stranger.pid(), "pids") == other);
    box.end(container);
    container.remove();
    CHECK(stranger.wait().code() == -SIGTERM);
    box.check_nothing_left();
}

TEST_CASE("systemd: a create that is killed leaves what delete --force removes", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.bundle.write();
    // From before lxcri-start is there until after the unit is: some 300 ms in the machine.
    for (int moment = 0; moment < 10; ++moment) {
        CAPTURE(moment);
        const std::string id = box.new_id();
        Process create(
            box.command_line({"--systemd-cgroup", "create", "--bundle", box.bundle.path(), id}));
        let_time_pass(std::chrono::milliseconds(30 * moment + 10));
        create.signal(SIGKILL);
        (void)create.wait_exit_only();
        CHECK(box.call({"delete", "--force", id}).code() == 0);
        box.check_nothing_left();
    }
}

TEST_CASE("systemd: with a kept monitor", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.settings = {"--monitor-annotation"};
    box.bundle.config["annotations"]["org.linuxcontainers.lxcri.monitor"] = "keep";
    CHECK(box.life({"exit", "4"}, with_systemd()).code == 4);
    box.check_nothing_left();
}

// --- org.systemd.property.* ------------------------------------------------------------------

namespace {

// The administrator's file, with what a test wants in it.
class AllowedProperties {
  public:
    explicit AllowedProperties(const Strings& names, unsigned mode = 0644) {
        mounted_ = mount("tmpfs", "/etc/lxcri", "tmpfs", 0, "mode=0755") == 0;
        REQUIRE(mounted_);
        write_file("/etc/lxcri/lxcri.json", Json{{"systemdProperties", names}}.dump());
        REQUIRE(chmod("/etc/lxcri/lxcri.json", mode) == 0);
    }
    AllowedProperties(const AllowedProperties&) = delete;
    AllowedProperties& operator=(const AllowedProperties&) = delete;
    ~AllowedProperties() {
        if (mounted_) umount("/etc/lxcri");
    }

  private:
    bool mounted_ = false;
};

void annotate(Box& box, const std::string& name, const std::string& value) {
    box.bundle.config["annotations"]["org.systemd.property." + name] = value;
}

}  // namespace

TEST_CASE("CVE-2024-3154: properties of units are refused unless an administrator allows them",
          "[systemd][cve][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    const fs::path proof = box / "proof";
    annotate(box, "ExecStartPre", "['/bin/touch', '" + proof.string() + "']");
    SECTION("no file") {
        CHECK(contains(box.refusal(with_systemd()),
                       "/annotations/org.systemd.property.ExecStartPre"));
    }
    SECTION("another is allowed") {
        const AllowedProperties allowed({"KillMode", "ExecStartPreX"});
        CHECK(contains(box.refusal(with_systemd()),
                       "/annotations/org.systemd.property.ExecStartPre"));
    }
    SECTION("a file that any user can write") {
        const AllowedProperties allowed({"ExecStartPre"}, 0646);
        CHECK(contains(box.refusal(with_systemd()), "/etc/lxcri/lxcri.json"));
    }
    CHECK(!fs::exists(proof));
    box.check_nothing_left();
}

TEST_CASE("systemd: allowed properties are set", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    const AllowedProperties allowed({"KillMode", "Wants", "Description"});
    SystemdBox box;
    annotate(box, "TimeoutStopSec", "7.5");
    annotate(box, "KillMode", "'mixed'");
    annotate(box, "Wants", "['basic.target', \"sysinit.target\"]");
    annotate(box, "Description", "'not what delete looks for'");
    Container container = box.create(with_systemd());
    CHECK(property_of(box.unit(), "TimeoutStopUSec") == "7.500000s");
    CHECK(property_of(box.unit(), "KillMode") == "mixed");
    CHECK(contains(property_of(box.unit(), "Wants"), "basic.target"));
    CHECK(contains(property_of(box.unit(), "Wants"), "sysinit.target"));
    CHECK(contains(property_of(box.unit(), "Description"), container.id()));
    CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    box.check_nothing_left();
}

TEST_CASE("systemd: the properties that Podman and CRI-O always set", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    SECTION("Podman") {
        annotate(box, "KillSignal", "12");
        annotate(box, "TimeoutStopUSec", "uint64 7000000");
        Container container = box.create(with_systemd());
        CHECK(property_of(box.unit(), "KillSignal") == "12");
        CHECK(property_of(box.unit(), "TimeoutStopUSec") == "7s");
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    SECTION("CRI-O") {
        annotate(box, "TimeoutStopUSec", "uint64 30000000");
        annotate(box, "DefaultDependencies", "true");
        annotate(box, "After", "['crio.service']");
        annotate(box, "CollectMode", "'inactive-or-failed'");
        Container container = box.create(with_systemd());
        CHECK(property_of(box.unit(), "TimeoutStopUSec") == "30s");
        CHECK(contains(property_of(box.unit(), "After"), "crio.service"));
        CHECK(contains(property_of(box.unit(), "Conflicts"), "shutdown.target"));
        CHECK(systemctl({"is-active", "crio.service"}).code() != 0);
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    SECTION("all that every container may set") {
        for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{
                 {"Documentation", "['man:a(1)']"},
                 {"IPAccounting", "true"},
                 {"ManagedOOMMemoryPressure", "'kill'"},
                 {"ManagedOOMMemoryPressureLimit", "uint32 2147483647"},
                 {"ManagedOOMSwap", "'kill'"},
                 {"OOMPolicy", "'kill'"},
                 {"RuntimeMaxSec", "1000"},
                 {"SendSIGHUP", "true"}}) {
            annotate(box, name, value);
        }
        Container container = box.create(with_systemd());
        CHECK(property_of(box.unit(), "RuntimeMaxUSec") == "16min 40s");
        CHECK(property_of(box.unit(), "OOMPolicy") == "kill");
        CHECK(box.call({"delete", "--force", container.id()}).code() == 0);
    }
    box.check_nothing_left();
}

TEST_CASE("systemd: no property lets a stranger's process in the scope outlive delete",
          "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    annotate(box, "KillSignal", std::to_string(SIGWINCH));
    annotate(box, "TimeoutStopUSec", "uint64 3600000000");
    Container container = box.sleeper();
    const fs::path other = box.scope() / "other";
    REQUIRE(mkdir(other.c_str(), 0755) == 0);
    Process stranger({"/bin/sleep", "1000"});
    write_file(other / "cgroup.procs", std::to_string(stranger.pid()));
    box.end(container);
    container.remove();
    CHECK(stranger.wait().code() == -SIGKILL);
    box.check_nothing_left();
}

TEST_CASE("systemd: what systemd refuses is told with its words and the pointer", "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    const AllowedProperties allowed({"NoSuchProperty", "CollectMode"});
    SystemdBox box;
    SECTION("unknown") {
        annotate(box, "NoSuchProperty", "uint64 5");
        const std::string error = box.refusal(with_systemd());
        CHECK(contains(error, "/annotations/org.systemd.property.NoSuchProperty"));
        CHECK(contains(error, "Cannot set property NoSuchProperty"));
    }
    SECTION("no value of its type") {
        annotate(box, "CollectMode", "'never'");
        CHECK(contains(box.refusal(with_systemd()), "CollectMode"));
    }
    box.check_nothing_left();
}

// --- many ------------------------------------------------------------------------------------

TEST_CASE("systemd: fifty at once, one start and at most one stop for each",
          "[systemd][many][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    constexpr int kCount = 50;
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    box.bundle.write();
    // A file: a pipe that is full would stop it.
    const fs::path calls = box / "calls";
    const os::UniqueFd output(open(calls.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    Process monitor({find_program("busctl"), "monitor", "org.freedesktop.systemd1"},
                    {.fds = {{output.get(), 1}}, .timeout = milliseconds(120000)});
    monitor.err().wait_for("Monitoring");

    Strings ids;
    std::vector<std::unique_ptr<Process>> running;
    const auto run_for_all = [&](const std::function<Strings(const std::string&)>& command) {
        running.clear();
        for (const std::string& id : ids) {
            running.push_back(std::make_unique<Process>(
                box.command_line(command(id)), CommandOptions{.timeout = milliseconds(120000)}));
        }
        for (const auto& process : running) {
            const Finished finished = process->wait_exit_only();
            INFO(finished.err);
            CHECK(finished.code() == 0);
        }
    };
    for (int i = 0; i < kCount; ++i) {
        ids.push_back(box.new_id());
        Bundle bundle(box / ("bundle" + ids.back()), ids.back());
        bundle.config = box.bundle.config;
        bundle.config["root"]["path"] = box.bundle.rootfs();
        bundle.linux()["cgroupsPath"] = "system.slice:lxcritest:" + ids.back();
        bundle.linux()["resources"]["pids"]["limit"] = 10;
        bundle.write();
    }
    run_for_all([&](const std::string& id) {
        return Strings{"--systemd-cgroup", "create", "--bundle", box / ("bundle" + id), id};
    });
    CHECK(units_like(box.name()).size() == kCount);
    run_for_all([](const std::string& id) { return Strings{"kill", id, "KILL"}; });
    run_for_all([](const std::string& id) { return Strings{"delete", "--force", id}; });
    monitor.signal(SIGTERM);
    (void)monitor.wait_exit_only();
    CHECK(units_like(box.name()) == Strings{});
    CHECK(box.leftovers() == Strings{});
    const auto count = [&](std::string_view member) {
        int found = 0;
        for (const std::string& line : lines_of(read_file(calls))) {
            if (contains(line, "Member=" + std::string(member))) ++found;
        }
        return found;
    };
    CHECK(count("StartTransientUnit") == kCount);
    CHECK(count("SetUnitProperties") == kCount);
    CHECK(count("StopUnit") <= kCount);
    CHECK(count("ResetFailedUnit") == 0);
}

TEST_CASE("systemd: run.oci.systemd.subgroup names the directory below the scope",
          "[systemd][vm]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    SystemdBox box;
    box.bundle.config["annotations"]["run.oci.systemd.subgroup"] = "app";
    Container container = box.sleeper();
    CHECK(contains(read_file("/proc/" + std::to_string(container.pid()) + "/cgroup"),
                   box.unit() + "/app\n"));
    box.end(container);
    container.remove();
    box.check_nothing_left();
}

TEST_CASE("systemd: what is done with a stopped container leaves a later one of its name alone",
          "[systemd][kill][delete][vm][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_systemd());
    const bool force = GENERATE(false, true);
    CAPTURE(force);
    SystemdBox box;
    Container first = box.sleeper();
    box.end(first);
    // The same cgroupsPath, and so the same unit.
    Container second = box.sleeper();
    CHECK(box.call({"kill", "--all", first.id(), "KILL"}).code() == 0);
    CHECK(second.status() == "running");
    Strings line = {"delete", first.id()};
    if (force) line.insert(line.begin() + 1, "--force");
    const Finished removed = box.call(line);
    CHECK(removed.err == "");
    CHECK(removed.code() == 0);
    CHECK(second.status() == "running");
    CHECK(is_alive(second.pid()));
    CHECK(property_of(box.unit(), "ActiveState") == "active");
    box.end(second);
    second.remove();
    box.check_nothing_left();
}
