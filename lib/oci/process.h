#pragma once
// The container process: runtime-spec config.md "Process". Also the document that `exec` gets.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/enum_table.h"

namespace lxcri::oci {

// Characters. To be ignored without a terminal.
struct ConsoleSize {
    std::uint64_t height = 0;
    std::uint64_t width = 0;
};

// IDs as seen in the container. An absent `user` is root without other groups.
struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;  // at most 0777; absent: 0022
    std::vector<std::uint32_t> additional_gids;
};

// Names as written. names.h turns them into numbers; unknown ones are a warning of validate().
struct Capabilities {
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;
};

// The value is the RLIMIT_ constant of setrlimit(2), the name in the table the one of the spec.
enum class RlimitType : int {
    cpu = 0,
    fsize = 1,
    data = 2,
    stack = 3,
    core = 4,
    rss = 5,
    nproc = 6,
    nofile = 7,
    memlock = 8,
    as = 9,
    locks = 10,
    sigpending = 11,
    msgqueue = 12,
    nice = 13,
    rtprio = 14,
    rttime = 15,
};

inline constexpr std::array<Named<RlimitType>, 16> kRlimitTypes{{
    {"RLIMIT_AS", RlimitType::as},
    {"RLIMIT_CORE", RlimitType::core},
    {"RLIMIT_CPU", RlimitType::cpu},
    {"RLIMIT_DATA", RlimitType::data},
    {"RLIMIT_FSIZE", RlimitType::fsize},
    {"RLIMIT_LOCKS", RlimitType::locks},
    {"RLIMIT_MEMLOCK", RlimitType::memlock},
    {"RLIMIT_MSGQUEUE", RlimitType::msgqueue},
    {"RLIMIT_NICE", RlimitType::nice},
    {"RLIMIT_NOFILE", RlimitType::nofile},
    {"RLIMIT_NPROC", RlimitType::nproc},
    {"RLIMIT_RSS", RlimitType::rss},
    {"RLIMIT_RTPRIO", RlimitType::rtprio},
    {"RLIMIT_RTTIME", RlimitType::rttime},
    {"RLIMIT_SIGPENDING", RlimitType::sigpending},
    {"RLIMIT_STACK", RlimitType::stack},
}};

struct Rlimit {
    RlimitType type = RlimitType::cpu;
    std::uint64_t soft = 0;  // the largest number is RLIM_INFINITY
    std::uint64_t hard = 0;
};

// The values are those of linux/sched.h.
enum class SchedulerPolicy : int {
    other = 0,
    fifo = 1,
    round_robin = 2,
    batch = 3,
    iso = 4,
    idle = 5,
    deadline = 6,
};

inline constexpr std::array<Named<SchedulerPolicy>, 7> kSchedulerPolicies{{
    {"SCHED_OTHER", SchedulerPolicy::other},
    {"SCHED_FIFO", SchedulerPolicy::fifo},
    {"SCHED_RR", SchedulerPolicy::round_robin},
    {"SCHED_BATCH", SchedulerPolicy::batch},
    {"SCHED_ISO", SchedulerPolicy::iso},
    {"SCHED_IDLE", SchedulerPolicy::idle},
    {"SCHED_DEADLINE", SchedulerPolicy::deadline},
}};

// The values are those of linux/sched.h.
enum class SchedulerFlag : std::uint64_t {
    reset_on_fork = 0x01,
    reclaim = 0x02,
    dl_overrun = 0x04,
    keep_policy = 0x08,
    keep_params = 0x10,
    util_clamp_min = 0x20,
    util_clamp_max = 0x40,
};

inline constexpr std::array<Named<SchedulerFlag>, 7> kSchedulerFlags{{
    {"SCHED_FLAG_RESET_ON_FORK", SchedulerFlag::reset_on_fork},
    {"SCHED_FLAG_RECLAIM", SchedulerFlag::reclaim},
    {"SCHED_FLAG_DL_OVERRUN", SchedulerFlag::dl_overrun},
    {"SCHED_FLAG_KEEP_POLICY", SchedulerFlag::keep_policy},
    {"SCHED_FLAG_KEEP_PARAMS", SchedulerFlag::keep_params},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SchedulerFlag::util_clamp_min},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SchedulerFlag::util_clamp_max},
}};

struct Scheduler {
    SchedulerPolicy policy = SchedulerPolicy::other;
    std::optional<std::int32_t> nice;      // -20 to 19
    std::optional<std::int32_t> priority;  // of fifo and round_robin
    std::vector<SchedulerFlag> flags;
    // Nanoseconds, of deadline.
    std::optional<std::uint64_t> runtime;
    std::optional<std::uint64_t> deadline;
    std::optional<std::uint64_t> period;
};

// The values are those of linux/ioprio.h.
enum class IoPriorityClass : int { realtime = 1, best_effort = 2, idle = 3 };

inline constexpr std::array<Named<IoPriorityClass>, 3> kIoPriorityClasses{{
    {"IOPRIO_CLASS_RT", IoPriorityClass::realtime},
    {"IOPRIO_CLASS_BE", IoPriorityClass::best_effort},
    {"IOPRIO_CLASS_IDLE", IoPriorityClass::idle},
}};

struct IoPriority {
    IoPriorityClass class_ = IoPriorityClass::best_effort;
    std::int32_t priority = 0;  // 0 to 7
};

// CPU lists, "0-3,7". Only `exec` uses them.
struct ExecCpuAffinity {
    std::optional<std::string> initial;  // before it enters the cgroup
    std::optional<std::string> final;    // after
};

struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    std::string cwd;                // absolute, in the container
    std::vector<std::string> env;   // "NAME=value"
    std::vector<std::string> args;  // at least the program
    User user;
    std::optional<Capabilities> capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::optional<std::string> apparmor_profile;  // empty is read as absent
    std::optional<std::string> selinux_label;     // empty is read as absent
    std::optional<std::int32_t> oom_score_adj;    // -1000 to 1000; absent: leave it alone
    std::optional<Scheduler> scheduler;
    std::optional<IoPriority> io_priority;
    std::optional<ExecCpuAffinity> exec_cpu_affinity;
};

}  // namespace lxcri::oci
