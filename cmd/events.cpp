// The JSON is that of runc: containerd and others read it.

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "command.h"
#include "duration.h"
#include "output.h"
#include "parse.h"
#include "runtime/events.h"

namespace lxcri::cmd {

namespace {

using Json = nlohmann::ordered_json;

struct Values {
    std::string id;
    std::chrono::milliseconds interval = std::chrono::seconds(5);
    bool once = false;
};

constexpr auto kOptions = std::to_array<Option<Values>>({
    {"ID", "", "name of the container", &Values::id, Need::required},
    {"--interval", "TIME", "time between two stats, as in 500ms, 5s, 1m30s (default: 5s)",
     [](Values& values, const std::string& text) {
         const auto interval = parse_duration(text);
         if (!interval || interval->count() == 0) {
             reject("--interval", text, "a time as in 500ms, 5s, 1m30s");
         }
         values.interval = *interval;
     }},
    {"--stats", "", "print the stats once, and return", &Values::once},
});

// Left out when there is nothing in it.
void add(Json& object, const char* name, std::uint64_t value) {
    if (value != 0) object[name] = value;
}
void add(Json& object, const char* name, const std::vector<std::uint64_t>& values) {
    if (!values.empty()) object[name] = values;
}

Json cpu_json(const cgroup::CpuStats& cpu) {
    Json usage = Json::object();
    add(usage, "total", cpu.total);
    add(usage, "percpu", cpu.per_cpu);
    add(usage, "percpu_kernel", cpu.per_cpu_kernel);
    add(usage, "percpu_user", cpu.per_cpu_user);
    usage["kernel"] = cpu.kernel;
    usage["user"] = cpu.user;
    Json throttling = Json::object();
    add(throttling, "periods", cpu.periods);
    add(throttling, "throttledPeriods", cpu.throttled_periods);
    add(throttling, "throttledTime", cpu.throttled_time);
    return {{"usage", usage}, {"throttling", throttling}};
}

Json cpuset_json(const cgroup::CpusetStats& cpuset) {
    Json json = Json::object();
    add(json, "cpus", cpuset.cpus);
    add(json, "mems", cpuset.mems);
    for (const char* name : {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate",
                             "memory_spread_page", "memory_spread_slab", "memory_pressure",
                             "sched_load_balance", "sched_relax_domain_level"}) {
        const auto found = cpuset.flags.find(name);
        json[name] = found == cpuset.flags.end() ? 0 : found->second;
    }
    return json;
}

Json entry_json(const cgroup::MemoryEntry& entry) {
    Json json{{"limit", entry.limit}};
    add(json, "usage", entry.usage);
    add(json, "max", entry.max);
    json["failcnt"] = entry.failures;
    return json;
}

Json memory_json(const cgroup::MemoryStats& memory) {
    Json json = Json::object();
    add(json, "cache", memory.cache);
    json["usage"] = entry_json(memory.usage);
    json["swap"] = entry_json(memory.swap);
    json["kernel"] = entry_json(memory.kernel);
    json["kernelTCP"] = entry_json(memory.kernel_tcp);
    if (!memory.raw.empty()) json["raw"] = memory.raw;
    return json;
}

void add(Json& object, const char* name, const std::vector<cgroup::BlockIoEntry>& entries) {
    for (const auto& entry : entries) {
        Json json = Json::object();
        add(json, "major", entry.major);
        add(json, "minor", entry.minor);
        json["op"] = entry.operation;
        add(json, "value", entry.value);
        object[name].push_back(std::move(json));
    }
}

Json stats_json(const cgroup::Stats& stats) {
    Json pids = Json::object();
    add(pids, "current", stats.pids.current);
    add(pids, "limit", stats.pids.limit);
    Json block_io = Json::object();
    add(block_io, "ioServiceBytesRecursive", stats.block_io.bytes);
    add(block_io, "ioServicedRecursive", stats.block_io.operations);
    Json hugepages = Json::object();
    for (const auto& [size, entry] : stats.hugepages) {
        Json json = Json::object();
        add(json, "usage", entry.usage);
        add(json, "max", entry.max);
        json["failcnt"] = entry.failures;
        hugepages[size] = std::move(json);
    }
    return {{"cpu", cpu_json(stats.cpu)},
            {"cpuset", cpuset_json(stats.cpuset)},
            {"memory", memory_json(stats.memory)},
            {"pids", pids},
            {"blkio", block_io},
            {"hugetlb", hugepages},
            {"intel_rdt", Json::object()},
            {"network_interfaces", nullptr}};
}

void print(const char* type, const std::string& id, const Json& data) {
    Json json{{"type", type}, {"id", id}};
    if (!data.is_null()) json["data"] = data;
    show_json(json.dump());
    // The reader waits for it; one that has gone ends us with SIGPIPE.
    flush_output();
}

}  // namespace

int run_events(const settings::Options& common, Arguments arguments) {
    Parser parser(
        "Print what a container uses, and when the kernel kills one of its processes because "
        "memory\n"
        "is used up: JSON objects, one a line, until the container has stopped.",
        "lxcri events");
    Values values;
    parser.add(kOptions, values);
    parser.parse(std::move(arguments));
    const auto print_stats = [&](const cgroup::Stats& stats) {
        print("stats", values.id, stats_json(stats));
    };
    const auto print_kills = [&](const std::vector<host::OomKill>& kills) {
        if (kills.empty()) return print("oom", values.id, nullptr);
        for (const auto& kill : kills) {
            print("oom", values.id, {{"process", kill.process}, {"pid", kill.pid}});
        }
    };
    if (values.once) {
        print_stats(runtime::stats(common, values.id));
    } else {
        runtime::watch_events(common, values.id, values.interval, {print_stats, print_kills});
    }
    return EXIT_SUCCESS;
}

}  // namespace lxcri::cmd
