// events: what a container uses, and when it runs out of memory.
#include <signal.h>

#include <filesystem>
#include <set>

#include "support/catch.h"
#include "support/environment.h"
#include "support/runtime.h"

using namespace lxcri::test;

namespace {

bool v1_memory() {
    return environment().layout != CgroupLayout::kV2 && has_controller("memory");
}

Container sleeper(Box& box) {
    box.bundle.args({"trap", "TERM", "0"});
    Container container = box.create();
    container.start();
    container.out().wait_for("ready");
    return container;
}

Json stats_of(Box& box, const Container& container) {
    const Finished finished = box.call({"events", "--stats", container.id()});
    INFO(finished.err);
    REQUIRE(finished.code() == 0);
    REQUIRE(lines_of(finished.out).size() == 1);
    return Json::parse(finished.out);
}

// All places in a document, "/data/cpu/usage", but what the kernel names itself.
void collect_names(const Json& json, const std::string& path, std::set<std::string>& names) {
    if (!json.is_object()) return;
    for (const auto& [name, child] : json.items()) {
        names.insert(path + "/" + name);
        if (name != "raw") collect_names(child, path + "/" + name, names);
    }
}

}  // namespace

TEST_CASE("events --stats: one object with what is in use", "[events][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    if (v1_memory()) box.bundle.linux()["resources"]["memory"]["limit"] = 64 << 20;
    Container container = sleeper(box);
    const Json stats = stats_of(box, container);
    CHECK(stats.at("type") == "stats");
    CHECK(stats.at("id") == container.id());
    const Json& data = stats.at("data");
    CHECK(data.at("cpu").at("usage").at("total") > 0);
    CHECK(data.at("pids").at("current") == 1);
    if (v1_memory()) {
        CHECK(data.at("memory").at("usage").at("limit") == 64 << 20);
        CHECK(data.at("memory").at("usage").at("usage") > 4096);
        CHECK(data.at("memory").at("raw").contains("rss"));  // counted with delay
    }
}

// The test of the peers runs this against runc's own output, to which callers are bound.
TEST_CASE("events --stats: the names that runc writes", "[events][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    std::set<std::string> names;
    collect_names(stats_of(box, container), "", names);
    for (const char* name : {"/type",
                             "/id",
                             "/data",
                             "/data/cpu",
                             "/data/cpu/usage",
                             "/data/cpu/usage/total",
                             "/data/cpu/usage/kernel",
                             "/data/cpu/usage/user",
                             "/data/cpu/throttling",
                             "/data/cpuset",
                             "/data/cpuset/cpu_exclusive",
                             "/data/cpuset/mem_hardwall",
                             "/data/cpuset/mem_exclusive",
                             "/data/cpuset/memory_migrate",
                             "/data/cpuset/memory_spread_page",
                             "/data/cpuset/memory_spread_slab",
                             "/data/cpuset/memory_pressure",
                             "/data/cpuset/sched_load_balance",
                             "/data/cpuset/sched_relax_domain_level",
                             "/data/memory",
                             "/data/memory/usage",
                             "/data/memory/usage/limit",
                             "/data/memory/usage/failcnt",
                             "/data/memory/swap",
                             "/data/memory/swap/limit",
                             "/data/memory/kernel",
                             "/data/memory/kernelTCP",
                             "/data/pids",
                             "/data/pids/current",
                             "/data/blkio",
                             "/data/hugetlb",
                             "/data/intel_rdt",
                             "/data/network_interfaces"}) {
        CAPTURE(name);
        CHECK(names.count(name) == 1);
    }
}

TEST_CASE("events --stats: of a stopped or unknown container is an error", "[events][not-crun]") {
    NEEDS(need_runtime());
    Box box;
    Container container = box.create();
    CHECK(stats_of(box, container).at("data").at("pids").at("current") > 0);
    container.start();
    CHECK(container.wait_code() == 0);
    for (const Strings& command : {Strings{"events", "--stats"}, Strings{"events"}}) {
        Strings arguments = command;
        arguments.push_back(container.id());
        const Finished finished = box.call(arguments);
        CHECK(finished.code() == 1);
        CHECK(finished.out == "");
        CHECK(finished.err != "");
    }
    CHECK(box.call({"events", "unknown"}).code() == 1);
}

TEST_CASE("events: stats every interval, until the container ends",
          "[events][not-crun][not-runc]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    Process events(box.command_line({"events", "--interval", "20ms", container.id()}));
    events.out().wait_for("\n");
    while (lines_of(events.out().text()).size() < 3) {
        events.out().take();
        let_time_pass(milliseconds{1});
    }
    container.kill("KILL");
    (void)container.wait();
    const Finished finished = events.wait();
    CHECK(finished.code() == 0);
    for (const std::string& line : lines_of(finished.out)) {
        CHECK(Json::parse(line).at("type") == "stats");
    }
}

TEST_CASE("events: want of memory is told", "[events][limits][not-crun][not-runc]") {
    NEEDS(need_runtime());
    APPLIES(v1_memory());
    Box box;
    box.bundle.linux()["resources"]["memory"] = {{"limit", 16 << 20}, {"swap", 16 << 20}};
    SECTION("when a process dies of it, and once for each") {
        box.bundle.args({"alloc-in-child", "64000000", "--", "trap", "TERM", "0"});
    }
    SECTION("when the container dies of it") {
        box.bundle.args({"alloc", "64000000"});
    }
    Container container = box.create();
    Process events(box.command_line({"events", "--interval", "1h", container.id()}));
    // It listens when it waits: only then nothing is missed.
    const auto waits = [&] {
        return contains(read_file("/proc/" + std::to_string(events.pid()) + "/wchan"), "poll");
    };
    while (!waits()) let_time_pass(milliseconds{1});
    container.start();
    events.out().wait_for("\"oom\"");
    (void)box.call({"kill", container.id(), "KILL"});  // it may have ended already
    (void)container.wait();
    const Finished finished = events.wait();
    CHECK(finished.code() == 0);
    REQUIRE(!lines_of(finished.out).empty());
    Json event = Json::parse(lines_of(finished.out).front());
    CHECK(event.at("type") == "oom");
    CHECK(event.at("id") == container.id());
    if (environment().runtime_name != "lxcri") return;
    // The kernel's log has the name.
    CHECK(event.at("data").at("process") == "probe");
    CHECK(event.at("data").at("pid").get<int>() > 1);
}

TEST_CASE("events: who is killed in a cgroup below the container's is told",
          "[events][limits][lxcri]") {
    NEEDS(need_runtime());
    APPLIES(v1_memory());
    Box box;
    Container container = sleeper(box);
    const auto below = cgroup_of(container.pid(), "memory") / "below";
    REQUIRE(std::filesystem::create_directory(below));
    write_file(below / "memory.limit_in_bytes", "16777216");
    const auto with_swap = below / "memory.memsw.limit_in_bytes";
    if (std::filesystem::exists(with_swap)) write_file(with_swap, "16777216");
    Process events(box.command_line({"events", "--interval", "1h", container.id()}));
    const auto waits = [&] {
        return contains(read_file("/proc/" + std::to_string(events.pid()) + "/wchan"), "poll");
    };
    while (!waits()) let_time_pass(milliseconds{1});
    CHECK(box.exec(container, {"alloc", "64000000"}, {"--cgroup", "memory:/below"}).code() == 137);
    events.out().wait_for("\"oom\"");
    container.kill();
    (void)container.wait();
    const Finished finished = events.wait();
    CHECK(Json::parse(lines_of(finished.out).front()).at("data").at("process") == "probe");
}

TEST_CASE("events: --interval takes times as Go writes them", "[events][lxcri]") {
    NEEDS(need_runtime());
    Box box;
    Container container = sleeper(box);
    const std::string interval =
        GENERATE(as<std::string>(), "", "0", "0s", "5", "s", "-1s", "1x", "1.s", "9999999999h");
    CAPTURE(interval);
    const Finished finished = box.call({"events", "--interval", interval, container.id()});
    CHECK(finished.code() == 1);
    CHECK(contains(finished.err, "--interval"));
}
