#include "runtime/process_limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

// As in linux/sched/types.h, which cannot be included beside the C library's sched.h.
struct SchedulerAttributes {
    std::uint32_t size = sizeof(SchedulerAttributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

// linux/ioprio.h cannot be included in C++.
constexpr int kIoPriorityWhoProcess = 1;
constexpr int kIoPriorityClassShift = 13;

// `process`: a name below /proc.
void set_oom_score_adj(const std::string& process, std::int32_t adjustment) {
    in_context("/process/oomScoreAdj", [&] {
        os::write_value_at(AT_FDCWD, concat("/proc/", process, "/oom_score_adj"),
                           std::to_string(adjustment));
    });
}

void set_scheduler(pid_t pid, const oci::Scheduler& scheduler) {
    SchedulerAttributes attributes;
    attributes.policy = static_cast<std::uint32_t>(scheduler.policy);
    attributes.nice = scheduler.nice.value_or(0);
    attributes.priority = static_cast<std::uint32_t>(scheduler.priority.value_or(0));
    for (const auto flag : scheduler.flags) {
        attributes.flags |= static_cast<std::uint64_t>(flag);
    }
    attributes.runtime = scheduler.runtime.value_or(0);
    attributes.deadline = scheduler.deadline.value_or(0);
    attributes.period = scheduler.period.value_or(0);
    if (::syscall(SYS_sched_setattr, pid, &attributes, 0) == 0) return;
    const int error = errno;
    // sched(7): EPERM has this other reason, which a reader would not guess.
    const bool is_deadline = scheduler.policy == oci::SchedulerPolicy::deadline;
    throw SystemError(error,
                      is_deadline && error == EPERM
                          ? "/process/scheduler: sched_setattr (SCHED_DEADLINE also refuses a "
                            "process that may not use all CPUs)"
                          : "/process/scheduler: sched_setattr",
                      name_of(oci::kSchedulerPolicies, scheduler.policy));
}

void set_io_priority(pid_t pid, const oci::IoPriority& priority) {
    const int value =
        static_cast<int>(priority.class_) << kIoPriorityClassShift | priority.priority;
    os::check(::syscall(SYS_ioprio_set, kIoPriorityWhoProcess, pid, value),
              "/process/ioPriority: ioprio_set", name_of(oci::kIoPriorityClasses, priority.class_));
}

// The process has inherited ours; every process may lower it.
bool may_set_itself(__rlimit_resource resource, const rlimit& value) {
    rlimit ours{};
    os::check(::getrlimit(resource, &ours), "getrlimit");
    return value.rlim_max <= ours.rlim_max;
}

}  // namespace

handoff::OwnLimits limit_process(const os::ProcessRef& process,
                                 const translate::ProcessLimits& limits) {
    handoff::OwnLimits own;
    if (limits.oom_score_adj && !limits.inherits_oom_score_adj) {
        set_oom_score_adj(std::to_string(process.pid()), *limits.oom_score_adj);
    }
    if (limits.scheduler) set_scheduler(process.pid(), *limits.scheduler);
    if (limits.io_priority) set_io_priority(process.pid(), *limits.io_priority);
    for (std::size_t i = 0; i < limits.rlimits.size(); ++i) {
        const auto& limit = limits.rlimits[i];
        const rlimit value{limit.soft, limit.hard};
        const auto resource = static_cast<__rlimit_resource>(limit.type);
        if (::prlimit(process.pid(), resource, &value, nullptr) == 0) continue;
        const int error = errno;
        const auto pointer = concat("/process/rlimits/", std::to_string(i));
        const auto name = name_of(oci::kRlimitTypes, limit.type);
        if (error != EPERM || !may_set_itself(resource, value)) {
            throw SystemError(error, concat(pointer, ": prlimit"), name);
        }
        own.limits.push_back({concat(pointer, ": setrlimit ", name),
                              static_cast<std::int32_t>(limit.type), limit.soft, limit.hard});
    }
    return own;
}

void inherit_oom_score_adj(const translate::ProcessLimits& limits) {
    if (limits.inherits_oom_score_adj) set_oom_score_adj("self", *limits.oom_score_adj);
}

}  // namespace lxcri::runtime
