// Owns: /linux/resources/pids

#include "cgroup/controller.h"

namespace lxcri::cgroup {

namespace {

// The kernel's PID_MAX_LIMIT; pids.max takes no number above it. No machine can have more.
constexpr std::int64_t kMostProcesses = 4194304;

// 0 is what CRI-O sends for "not set"; runc and crun take it so.
std::int64_t limit_of(const oci::Resources& resources) {
    return resources.pids.limit.value_or(0);
}

std::string_view wanted(const oci::Resources& resources) {
    return limit_of(resources) != 0 ? "/pids/limit" : "";
}

void check(const oci::Resources&, int, Checker&) {}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    const std::int64_t limit = limit_of(resources);
    if (limit == 0) return;
    files.write("/pids/limit", "pids.max", limit > kMostProcesses ? "max" : limit_or_max(limit));
}

}  // namespace

const Controller kPidsController{"pids", "pids", "pids.max", "pids.max", wanted, check, apply};

}  // namespace lxcri::cgroup
