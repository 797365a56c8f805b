// Owns: /linux/resources/cpu but cpus and mems
//
// A value of 0 is read as "not set" for shares, quota and the periods: callers send it for that.

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "cgroup/controller.h"
#include "cgroup/conversions.h"
#include "cgroup/marks.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

std::string_view wanted(const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    if (cpu.shares.value_or(0) != 0) return "/cpu/shares";
    if (cpu.quota.value_or(0) != 0) return "/cpu/quota";
    if (cpu.period.value_or(0) != 0) return "/cpu/period";
    if (cpu.burst.value_or(0) != 0) return "/cpu/burst";
    if (cpu.realtime_runtime.value_or(0) != 0) return "/cpu/realtimeRuntime";
    if (cpu.realtime_period.value_or(0) != 0) return "/cpu/realtimePeriod";
    if (cpu.idle.value_or(0) != 0) return "/cpu/idle";
    return "";
}

void check(const oci::Resources& resources, int version, Checker& checker) {
    constexpr std::string_view kOnlyV1 = "exists in cgroup version 1 only, this host has version 2";
    if (version == 1) return;
    if (resources.cpu.realtime_runtime.value_or(0) != 0) {
        checker.reject("/cpu/realtimeRuntime", kOnlyV1);
    }
    if (resources.cpu.realtime_period.value_or(0) != 0) {
        checker.reject("/cpu/realtimePeriod", kOnlyV1);
    }
}

// Idle cgroups have no weight: that is the order to enter and to leave this state.
void apply_shares_and_idle(const ControllerFiles& files, const oci::Cpu& cpu) {
    const auto write_idle = [&] {
        const std::string value = std::to_string(*cpu.idle);
        const int error = files.try_write("cpu.idle", value);
        // Before Linux 5.15 none was idle.
        if (error != 0 && !(error == ENOENT && *cpu.idle == 0)) {
            files.fail("/cpu/idle", "cpu.idle", value, error);
        }
    };
    if (cpu.idle == 0) write_idle();
    if (const std::uint64_t shares = cpu.shares.value_or(0); shares != 0) {
        if (files.is_v1()) {
            const std::uint64_t value = std::clamp<std::uint64_t>(shares, 2, 262144);
            files.write("/cpu/shares", "cpu.shares", std::to_string(value));
        } else {
            files.write("/cpu/shares", "cpu.weight", std::to_string(cpu_weight(shares)));
        }
    }
    if (cpu.idle && *cpu.idle != 0) write_idle();
}

// A value that the kernel compares with others, some of which change too.
struct Change {
    std::string_view property;
    const char* file;
    std::string value;
    int error = EINVAL;  // of the last try; 0: done
};

// Which order the kernel accepts depends on what the values are now: tries all in turn as long as
// that gets on.
void write_together(const ControllerFiles& files, std::vector<Change> changes) {
    for (std::size_t round = 0; round < changes.size(); ++round) {
        for (Change& change : changes) {
            if (change.error != 0) change.error = files.try_write(change.file, change.value);
        }
    }
    for (const Change& change : changes) {
        if (change.error != 0) files.fail(change.property, change.file, change.value, change.error);
    }
}

// A kernel without bursts need not be told that there are none.
bool skip_burst(const ControllerFiles& files, const oci::Cpu& cpu, const char* file) {
    return !cpu.burst || (*cpu.burst == 0 && !files.has(file));
}

void apply_bandwidth_v1(const ControllerFiles& files, const oci::Cpu& cpu) {
    std::vector<Change> changes;
    if (const std::uint64_t period = cpu.period.value_or(0); period != 0) {
        changes.push_back({"/cpu/period", "cpu.cfs_period_us", std::to_string(period)});
    }
    if (const std::int64_t quota = cpu.quota.value_or(0); quota != 0) {
        changes.push_back(
            {"/cpu/quota", "cpu.cfs_quota_us", quota < 0 ? "-1" : std::to_string(quota)});
    }
    if (!skip_burst(files, cpu, "cpu.cfs_burst_us")) {
        changes.push_back({"/cpu/burst", "cpu.cfs_burst_us", std::to_string(*cpu.burst)});
    }
    write_together(files, std::move(changes));
}

// "50000" alone keeps the period; the period alone needs the quota that is there.
std::string bandwidth_v2(const ControllerFiles& files, const oci::Cpu& cpu) {
    const std::int64_t quota = cpu.quota.value_or(0);
    const std::uint64_t period = cpu.period.value_or(0);
    std::string value = limit_or_max(quota);
    if (quota == 0) {
        const auto current = files.find("cpu.max");
        value = current ? current->substr(0, current->find(' ')) : "max";
    }
    return period == 0 ? value : concat(value, " ", std::to_string(period));
}

void apply_bandwidth_v2(const ControllerFiles& files, const oci::Cpu& cpu) {
    std::vector<Change> changes;
    if (cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0) {
        changes.push_back({cpu.quota.value_or(0) != 0 ? "/cpu/quota" : "/cpu/period", "cpu.max",
                           bandwidth_v2(files, cpu)});
    }
    if (!skip_burst(files, cpu, "cpu.max.burst")) {
        changes.push_back({"/cpu/burst", "cpu.max.burst", std::to_string(*cpu.burst)});
    }
    write_together(files, std::move(changes));
}

// A cgroup can give realtime only as far as it has some itself, and a new one has none: what
// create() has made above the container's gets the same first.
void prepare_parents(const Directory& directory, const std::vector<Change>& changes) {
    for (auto slash = directory.mount_point.size(); slash != std::string::npos;
         slash = directory.path.find('/', slash + 1)) {
        const std::string parent = directory.path.substr(0, slash);
        if (slash == directory.mount_point.size() || !is_marked_as_made(parent)) continue;
        for (const Change& change : changes) {
            const std::string file = concat(parent, "/", change.file);
            // Where this does not help, the container's own file says why.
            (void)os::try_write_value_at(AT_FDCWD, file, change.value);
        }
    }
}

void apply_realtime_v1(const ControllerFiles& files, const oci::Cpu& cpu) {
    std::vector<Change> changes;
    if (const std::uint64_t period = cpu.realtime_period.value_or(0); period != 0) {
        changes.push_back({"/cpu/realtimePeriod", "cpu.rt_period_us", std::to_string(period)});
    }
    if (const std::int64_t runtime = cpu.realtime_runtime.value_or(0); runtime != 0) {
        changes.push_back({"/cpu/realtimeRuntime", "cpu.rt_runtime_us", std::to_string(runtime)});
    }
    if (changes.empty()) return;
    prepare_parents(files.directory(), changes);
    write_together(files, std::move(changes));
}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    apply_shares_and_idle(files, resources.cpu);
    if (files.is_v1()) {
        apply_bandwidth_v1(files, resources.cpu);
        apply_realtime_v1(files, resources.cpu);
    } else {
        apply_bandwidth_v2(files, resources.cpu);
    }
}

}  // namespace

const Controller kCpuController{"cpu", "cpu", "cpu.shares", "cpu.weight", wanted, check, apply};

}  // namespace lxcri::cgroup
