// update: limits of a container that exists.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;
namespace fs = std::filesystem;

namespace {

bool v2() {
    return environment().layout == CgroupLayout::kV2;
}

bool v1_has(std::string_view controller) {
    return !v2() && has_controller(controller);
}

Container sleeper(Box& box) {
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

// The content of a file of version 1 in the container's cgroup.
std::string value(const Container& container, std::string_view file) {
    const std::string controller(file.substr(0, file.find('.')));
    const std::string text = read_file(cgroup_of(container.pid(), controller) / file);
    return text.substr(0, text.find('\n'));
}

std::string value_of_cpuset(const Container& container, std::string_view file) {
    const std::string text = read_file(cgroup_of(container.pid(), "cpuset") / file);
    return text.substr(0, text.find('\n'));
}

Finished update(Box& box, const Container& container, const Strings& options,
                const std::string& document = "") {
    Strings arguments = {"update"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(container.id());
    CommandOptions command;
    if (!document.empty()) command.input = document;
    return box.call(arguments, command);
}

Finished update_by(Box& box, const Container& container, const Json& document) {
    return update(box, container, {"--resources", "-"}, document.dump());
}

void require_ok(const Finished& finished) {
    INFO("update said: " << finished.err);
    REQUIRE(finished.code() == 0);
    CHECK(finished.out == "");
}

}  // namespace

TEST_CASE("update: each option, the rest is kept", "[update][limits][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("memory") && v1_has("pids") && v1_has("cpu"));
    Box box;
    Json& resources = box.bundle.linux()["resources"];
    resources["pids"]["limit"] = 77;
    resources["cpu"] = {{"shares", 500}, {"quota", 40000}, {"period", 50000}};
    Container container = sleeper(box);
    SECTION("pids") {
        require_ok(update(box, container, {"--pids-limit", "99"}));
        CHECK(value(container, "pids.max") == "99");
        CHECK(value(container, "cpu.shares") == "500");
    }
    SECTION("the quota alone") {
        require_ok(update(box, container, {"--cpu-quota", "25000"}));
        CHECK(value(container, "cpu.cfs_quota_us") == "25000");
        CHECK(value(container, "cpu.cfs_period_us") == "50000");
        CHECK(value(container, "pids.max") == "77");
    }
    SECTION("the period alone") {
        require_ok(update(box, container, {"--cpu-period", "80000"}));
        CHECK(value(container, "cpu.cfs_quota_us") == "40000");
        CHECK(value(container, "cpu.cfs_period_us") == "80000");
    }
    SECTION("both, also where one of them needs the other first") {
        require_ok(update(box, container, {"--cpu-quota", "900000", "--cpu-period", "1000000"}));
        CHECK(value(container, "cpu.cfs_quota_us") == "900000");
        require_ok(update(box, container, {"--cpu-quota", "1000", "--cpu-period", "1000"}));
        CHECK(value(container, "cpu.cfs_quota_us") == "1000");
        CHECK(value(container, "cpu.cfs_period_us") == "1000");
    }
    SECTION("shares and a cpuset") {
        require_ok(update(box, container,
                          {"--cpu-share", "2000", "--cpuset-cpus", "0", "--cpuset-mems", "0"}));
        CHECK(value(container, "cpu.shares") == "2000");
        CHECK(value_of_cpuset(container, "cpuset.cpus") == "0");
        CHECK(value(container, "cpu.cfs_quota_us") == "40000");
    }
    SECTION("memory and swap, up and down") {
        require_ok(update(box, container,
                          {"--memory", "67108864", "--memory-swap", "134217728",
                           "--memory-reservation", "33554432"}));
        CHECK(value(container, "memory.limit_in_bytes") == "67108864");
        CHECK(value(container, "memory.memsw.limit_in_bytes") == "134217728");
        CHECK(value(container, "memory.soft_limit_in_bytes") == "33554432");
        require_ok(update(box, container, {"--memory", "268435456", "--memory-swap", "-1"}));
        CHECK(value(container, "memory.limit_in_bytes") == "268435456");
        require_ok(update(box, container, {"--memory", "33554432", "--memory-swap", "33554432"}));
        CHECK(value(container, "memory.memsw.limit_in_bytes") == "33554432");
        CHECK(value(container, "memory.soft_limit_in_bytes") == "33554432");
    }
    SECTION("no limit any more") {
        require_ok(update(box, container, {"--pids-limit", "-1", "--cpu-quota", "-1"}));
        CHECK(value(container, "pids.max") == "max");
        CHECK(value(container, "cpu.cfs_quota_us") == "-1");
    }
    SECTION("one after the other: the second knows of the first") {
        require_ok(update(box, container, {"--cpu-period", "20000"}));
        require_ok(update(box, container, {"--cpu-quota", "10000"}));
        CHECK(value(container, "cpu.cfs_period_us") == "20000");
        CHECK(value(container, "cpu.cfs_quota_us") == "10000");
    }
}

TEST_CASE("update: sizes with units", "[update][limits][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("memory"));
    Box box;
    Container container = sleeper(box);
    const auto [text, bytes] = GENERATE(table<std::string, std::string>({
        {"64m", "67108864"},
        {"64M", "67108864"},
        {"65536k", "67108864"},
        {"64MB", "67108864"},
        {"0.5g", "536870912"},
    }));
    require_ok(update(box, container, {"--memory", text}));
    CHECK(value(container, "memory.limit_in_bytes") == bytes);
}

TEST_CASE("update: burst and idle", "[update][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("cpu"));
    Box box;
    Container container = sleeper(box);
    APPLIES(value(container, "cpu.idle") != "");
    require_ok(update(box, container, {"--cpu-quota", "50000", "--cpu-burst", "20000"}));
    CHECK(value(container, "cpu.cfs_burst_us") == "20000");
    require_ok(update(box, container, {"--cpu-idle", "1"}));
    CHECK(value(container, "cpu.idle") == "1");
    require_ok(update(box, container, {"--cpu-idle", "0", "--cpu-share", "700"}));
    CHECK(value(container, "cpu.idle") == "0");
    CHECK(value(container, "cpu.shares") == "700");
}

TEST_CASE("update: a document from a file and from stdin", "[update][limits]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("pids"));
    Box box;
    Container container = sleeper(box);
    const std::string document = R"({"pids": {"limit": 55}, "cpu": {"shares": 300}})";
    SECTION("stdin") {
        require_ok(update(box, container, {"--resources", "-"}, document));
    }
    SECTION("file") {
        write_file(box / "resources.json", document);
        require_ok(update(box, container, {"-r", (box / "resources.json").string()}));
    }
    CHECK(value(container, "pids.max") == "55");
    CHECK(value(container, "cpu.shares") == "300");
}

TEST_CASE("update: the zeros of Docker's document change nothing", "[update][limits][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("memory") && v1_has("pids") && v1_has("cpu"));
    Box box;
    Json& resources = box.bundle.linux()["resources"];
    resources["pids"]["limit"] = 77;
    resources["cpu"] = {{"shares", 500}, {"quota", 40000}, {"period", 50000}, {"cpus", "0"}};
    resources["memory"] = {{"limit", 64 << 20}, {"swap", 128 << 20}, {"reservation", 32 << 20}};
    Container container = sleeper(box);
    require_ok(
        update_by(box, container,
                  Json::parse(R"({"memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0},
                        "cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0,
                                "realtimePeriod": 0, "cpus": "", "mems": ""},
                        "pids": {"limit": 0}, "blockIO": {"weight": 0}})")));
    CHECK(value(container, "memory.limit_in_bytes") == std::to_string(64 << 20));
    CHECK(value(container, "memory.memsw.limit_in_bytes") == std::to_string(128 << 20));
    CHECK(value(container, "memory.soft_limit_in_bytes") == std::to_string(32 << 20));
    CHECK(value(container, "cpu.shares") == "500");
    CHECK(value(container, "cpu.cfs_quota_us") == "40000");
    CHECK(value(container, "cpu.cfs_period_us") == "50000");
    CHECK(value_of_cpuset(container, "cpuset.cpus") == "0");
    CHECK(value(container, "pids.max") == "77");
}

TEST_CASE("update: the zeros of Docker's document need no controller", "[update][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    require_ok(update_by(box, container, Json::parse(R"({"memory": {"limit": 0, "swap": 0},
        "cpu": {"shares": 0, "cpus": ""}, "blockIO": {"weight": 0}})")));
    require_ok(update_by(box, container, Json::object()));
    require_ok(update(box, container, {}));
}

// --- devices ---------------------------------------------------------------------------------

namespace {

// A container that opens /dev/other when it is told to, and may do so by `rules`. No driver has
// this number: who may open it gets ENXIO, who may not EPERM.
Container opener(Box& box, const Json& rules) {
    box.bundle.linux()["resources"]["devices"] = rules;
    box.bundle.linux()["devices"] =
        Json::array({{{"path", "/dev/other"}, {"type", "c"}, {"major", 240}, {"minor", 99}}});
    box.bundle.args({"open-on-usr1", "/dev/other", "/dev/null"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

// What it says now.
std::string opens(Container& container) {
    const std::size_t before = container.out().text().size();
    container.kill("USR1");
    std::string text;
    while (!contains(text, "opened\n")) {
        container.out().wait_for("\n");
        container.out().take();
        text = container.out().text().substr(before);
    }
    return text;
}

const Json kDenyAll = {{"allow", false}, {"access", "rwm"}};
const Json kAllowOther = {
    {"allow", true}, {"type", "c"}, {"major", 240}, {"minor", 99}, {"access", "rwm"}};

}  // namespace

TEST_CASE("update: containerd's entry that denies all devices takes none away",
          "[update][devices][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("devices"));
    Box box;
    Container container = opener(box, Json::array({kDenyAll, kAllowOther}));
    REQUIRE(contains(opens(container), "/dev/other: ENXIO"));
    require_ok(update_by(box, container, {{"devices", Json::array({kDenyAll})}}));
    CHECK(contains(opens(container), "/dev/other: ENXIO"));
}

TEST_CASE("update: a list of devices replaces the one before", "[update][devices][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("devices"));
    Box box;
    Container container = opener(box, Json::array({kDenyAll}));
    CHECK(contains(opens(container), "/dev/other: EPERM"));
    require_ok(update_by(box, container, {{"devices", Json::array({kDenyAll, kAllowOther})}}));
    std::string said = opens(container);
    CHECK(contains(said, "/dev/other: ENXIO"));
    CHECK(has_line(said, "/dev/null: ok"));
    Json other = kAllowOther;
    other["minor"] = 1;
    require_ok(update_by(box, container, {{"devices", Json::array({kDenyAll, other})}}));
    said = opens(container);
    CHECK(contains(said, "/dev/other: EPERM"));
    CHECK(has_line(said, "/dev/null: ok"));
}

TEST_CASE("update: no moment without the devices that stay", "[update][devices][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("devices"));
    Box box;
    box.bundle.linux()["resources"]["devices"] = Json::array({kDenyAll});
    box.bundle.args({"open-loop", "/dev/null", "/dev/zero"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    for (int round = 0; round < 20; ++round) {
        Json rules = Json::array({kDenyAll});
        if (round % 2 == 0) rules.push_back(kAllowOther);
        rules.push_back({{"allow", true}, {"type", "b"}, {"major", 7 + round}, {"access", "r"}});
        require_ok(update_by(box, container, {{"devices", rules}}));
    }
    container.out().take();
    CHECK(container.out().text() == "ready\n");
    CHECK(container.status() == "running");
}

// --- when ------------------------------------------------------------------------------------

TEST_CASE("update: of a created and of a paused container", "[update][limits]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("pids"));
    Box box;
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    require_ok(update(box, container, {"--pids-limit", "44"}));
    CHECK(value(container, "pids.max") == "44");
    container.start();
    container.out().wait_for("ready");
    REQUIRE(box.call({"pause", container.id()}).code() == 0);
    require_ok(update(box, container, {"--pids-limit", "45"}));
    CHECK(value(container, "pids.max") == "45");
    CHECK(container.status() == "paused");
    REQUIRE(box.call({"resume", container.id()}).code() == 0);
}

TEST_CASE("update: of a stopped or unknown container is an error", "[update][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    container.start();
    CHECK(container.wait_code() == 0);
    const Finished finished = update(box, container, {"--pids-limit", "10"});
    CHECK(finished.code() != 0);
    CHECK(finished.err != "");
    CHECK(box.call({"update", "--pids-limit", "10", "unknown"}).code() != 0);
}

// --- what cannot be --------------------------------------------------------------------------

TEST_CASE("update: the error names the option or the place in the document",
          "[update][limits][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    const auto [options, document, words] = GENERATE(table<Strings, std::string, Strings>({
        {{"--cpu-quota", "abc"}, "", {"--cpu-quota", "\"abc\"", "expected"}},
        {{"--cpu-period", "-5"}, "", {"--cpu-period", "\"-5\""}},
        {{"--memory", "1z"}, "", {"--memory", "\"1z\"", "64m"}},
        {{"--memory", "99999999999g"}, "", {"--memory"}},
        {{"--blkio-weight", "70000"}, "", {"--blkio-weight"}},
        {{"--blkio-weight", "5"}, "", {"--blkio-weight", "10 to 1000"}},
        {{"--cpu-idle", "2"}, "", {"--cpu-idle", "0 or 1"}},
        {{"--cpuset-cpus", "x"}, "", {"--cpuset-cpus", "\"x\""}},
        {{"--pids-limit", "-2"}, "", {"--pids-limit"}},
        {{"--nosuch", "1"}, "", {"--nosuch"}},
        {{"--resources", "/nonexistent"}, "", {"/nonexistent", "no such file"}},
        {{"-r", "-"}, "nope", {"line 1"}},
        {{"-r", "-"}, "[]", {"object"}},
        {{"-r", "-"}, R"({"cpu": {"shares": "a"}})", {"/cpu/shares", "\"a\""}},
        {{"-r", "-"}, R"({"cpu": {"shares": -1}})", {"/cpu/shares", "-1"}},
        {{"-r", "-"}, R"({"memory": {"limit": 1.5}})", {"/memory/limit"}},
        {{"-r", "-"}, R"({"memory": {"limit": 10, "swap": 5}})", {"/memory/swap"}},
        {{"-r", "-"}, R"({"linux": {"resources": {"pids": {"limit": 5}}}})", {"/linux/resources"}},
        {{"-r", "-"}, R"({"devices": [{"allow": true, "access": "x"}]})", {"/devices/0/access"}},
    }));
    CAPTURE(options, document);
    const Finished finished = update(box, container, options, document);
    CHECK(finished.code() == 1);
    CHECK(finished.out == "");
    CHECK(lines_of(finished.err).size() == 1);
    for (const std::string& word : words) {
        CAPTURE(word, finished.err);
        CHECK(contains(finished.err, word));
    }
}

TEST_CASE("update: what a document has beside what is known is ignored, with a warning",
          "[update][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    const Finished finished = update(box, container, {"-r", "-"},
                                     R"({"memory": {"limitt": 10}, "new": {"from": "2030"}})");
    CHECK(finished.code() == 0);
    CHECK(lines_of(finished.err).size() == 2);
    CHECK(contains(finished.err, "warning: --resources: /memory/limitt is not known"));
    CHECK(contains(finished.err, "/new is not known"));
}

TEST_CASE("update: without the controller it is an error that names the option",
          "[update][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(!has_controller("memory"));
    Box box;
    Container container = sleeper(box);
    CHECK(contains(update(box, container, {"--memory", "100m"}).err, "--memory: "));
    CHECK(contains(update_by(box, container, {{"memory", {{"limit", 1 << 28}}}}).err,
                   "/memory/limit: "));
}

TEST_CASE("update: what failed half way is put back", "[update][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("memory") && v1_has("pids") && v1_has("cpu"));
    Box box;
    Json& resources = box.bundle.linux()["resources"];
    resources["pids"]["limit"] = 77;
    resources["cpu"] = {{"shares", 500}, {"quota", 40000}, {"period", 50000}, {"cpus", "0-1"}};
    Container container = sleeper(box);
    const std::string devices = read_file(cgroup_of(container.pid(), "devices") / "devices.list");
    const std::string cpus = value_of_cpuset(container, "cpuset.cpus");
    // The memory comes last, and no container lives on so little.
    const Finished finished =
        update_by(box, container,
                  {{"pids", {{"limit", 99}}},
                   {"cpu", {{"shares", 900}, {"quota", 1000}, {"period", 1000}, {"cpus", "0"}}},
                   {"devices", Json::array({kDenyAll, kAllowOther})},
                   {"memory", {{"limit", 4096}}}});
    CHECK(finished.code() == 1);
    CAPTURE(finished.err);
    CHECK(contains(finished.err, "/memory/limit"));
    CHECK(contains(finished.err, "has been put back"));
    CHECK(value(container, "pids.max") == "77");
    CHECK(value(container, "cpu.shares") == "500");
    CHECK(value(container, "cpu.cfs_quota_us") == "40000");
    CHECK(value(container, "cpu.cfs_period_us") == "50000");
    CHECK(value_of_cpuset(container, "cpuset.cpus") == cpus);
    CHECK(read_file(cgroup_of(container.pid(), "devices") / "devices.list") == devices);
    CHECK(container.status() == "running");
}

TEST_CASE("update: a memory limit below what is in use says both", "[update][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(v1_has("memory"));
    Box box;
    Container container = sleeper(box);
    const std::string before = value(container, "memory.limit_in_bytes");
    const bool check = GENERATE(false, true);
    const Finished finished =
        update_by(box, container, {{"memory", {{"limit", 8192}, {"checkBeforeUpdate", check}}}});
    CHECK(finished.code() == 1);
    CAPTURE(finished.err);
    CHECK(contains(finished.err, "/memory/limit: the memory limit 8192 is too low: "));
    CHECK(contains(finished.err, "bytes are in use"));
    CHECK(value(container, "memory.limit_in_bytes") == before);
    CHECK(container.status() == "running");
}

TEST_CASE("update: schemata of a container that is in no group of resctrl are an error",
          "[update][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    for (const char* option : {"--l3-cache-schema", "--mem-bw-schema"}) {
        const Finished finished = box.call({"update", option, "L3:0=f", container.id()});
        CHECK(finished.code() == 1);
        CHECK(contains(finished.err, "is in no group of resctrl: /linux/intelRdt is not set"));
    }
    CHECK(container.status() == "running");
}

TEST_CASE("update: letters of access that mean nothing count for nothing",
          "[update][devices][not-crun]") {
    NEEDS(need_runtime());
    APPLIES(has_controller("devices"));
    Box box;
    Container container = opener(box, Json::array({kDenyAll}));
    REQUIRE(contains(opens(container), "/dev/other: EPERM"));
    Json rule = kAllowOther;
    rule["access"] = "rwa";
    require_ok(update_by(box, container, {{"devices", Json::array({kDenyAll, rule})}}));
    CHECK(contains(opens(container), "/dev/other: ENXIO"));
}
