// The rules of `process`: runtime-spec config.md "Process".

#include <algorithm>

#include "base/error.h"
#include "base/number_list.h"
#include "base/strings.h"
#include "oci/names.h"
#include "oci/validate_rules.h"

namespace lxcri::oci {

namespace {

void check_cwd(const Process& process, std::string_view base) {
    if (!is_absolute(process.cwd)) {
        reject(concat(base, "/cwd"), in_quotes(process.cwd), "an absolute path");
    }
}

void check_args(const Process& process, std::string_view base) {
    if (process.args.empty()) {
        throw SpecError(concat(base, "/args"), "missing or empty, a program is required");
    }
}

void check_env(const Process& process, std::string_view base) {
    check_environment(process.env, concat(base, "/env"));
}

// struct winsize has 16 bits; without a terminal the size is to be ignored.
void check_console_size(const Process& process, std::string_view base) {
    if (!process.terminal || !process.console_size) return;
    const auto check = [&](std::string_view member, std::uint64_t size) {
        if (size > 0xffff) {
            reject(concat(base, "/consoleSize/", member), std::to_string(size), "at most 65535");
        }
    };
    check("height", process.console_size->height);
    check("width", process.console_size->width);
}

// setresuid(2), setresgid(2) and chown(2) take the largest number for "leave it as it is": the
// process would stay root.
void check_ids(const Process& process, std::string_view base) {
    constexpr std::uint32_t kNone = 0xffffffff;
    const auto check = [&](std::string_view member, std::uint32_t id) {
        if (id == kNone) {
            reject(concat(base, "/user/", member), std::to_string(id),
                   "a whole number from 0 to 4294967294");
        }
    };
    check("uid", process.user.uid);
    check("gid", process.user.gid);
    const auto& gids = process.user.additional_gids;
    for (std::size_t i = 0; i < gids.size(); ++i) {
        check(concat("additionalGids/", std::to_string(i)), gids[i]);
    }
}

void check_umask(const Process& process, std::string_view base) {
    if (process.user.umask.value_or(0) > 0777) {
        reject(concat(base, "/user/umask"), std::to_string(*process.user.umask),
               "at most 511 (0777)");
    }
}

void check_rlimits(const Process& process, std::string_view base) {
    const auto& rlimits = process.rlimits;
    const auto list = concat(base, "/rlimits");
    for (std::size_t i = 0; i < rlimits.size(); ++i) {
        // config.md: a duplicate type MUST be an error.
        const auto same = [&](const Rlimit& other) { return other.type == rlimits[i].type; };
        if (std::any_of(rlimits.data(), rlimits.data() + i, same)) {
            throw SpecError(at(list, i, "/type"),
                            concat("duplicate ", name_of(kRlimitTypes, rlimits[i].type)));
        }
        if (rlimits[i].soft > rlimits[i].hard) {
            reject(at(list, i, "/soft"), std::to_string(rlimits[i].soft),
                   concat("at most the hard limit ", std::to_string(rlimits[i].hard)));
        }
    }
}

void check_oom_score_adj(const Process& process, std::string_view base) {
    const auto score = process.oom_score_adj.value_or(0);
    if (score < -1000 || score > 1000) {
        reject(concat(base, "/oomScoreAdj"), std::to_string(score), "-1000 to 1000");
    }
}

// sched_setattr(2) would only say EINVAL.
void check_scheduler(const Process& process, std::string_view base) {
    if (!process.scheduler) return;
    const auto& scheduler = *process.scheduler;
    const auto pointer = [&](std::string_view member) {
        return concat(base, "/scheduler/", member);
    };
    const auto policy = name_of(kSchedulerPolicies, scheduler.policy);
    const auto nice = scheduler.nice.value_or(0);
    if (nice < -20 || nice > 19) reject(pointer("nice"), std::to_string(nice), "-20 to 19");

    const auto priority = scheduler.priority.value_or(0);
    const bool realtime = scheduler.policy == SchedulerPolicy::fifo ||
                          scheduler.policy == SchedulerPolicy::round_robin;
    if (realtime && (priority < 1 || priority > 99)) {
        reject(pointer("priority"), std::to_string(priority), concat("1 to 99 with ", policy));
    }
    if (!realtime && priority != 0) {
        reject(pointer("priority"), std::to_string(priority), concat("0 with ", policy));
    }

    const auto check_time = [&](std::string_view member, std::uint64_t time) {
        if (time != 0 && scheduler.policy != SchedulerPolicy::deadline) {
            reject(pointer(member), std::to_string(time), concat("0 with ", policy));
        }
    };
    check_time("runtime", scheduler.runtime.value_or(0));
    check_time("deadline", scheduler.deadline.value_or(0));
    check_time("period", scheduler.period.value_or(0));
}

void check_io_priority(const Process& process, std::string_view base) {
    if (!process.io_priority) return;
    const auto priority = process.io_priority->priority;
    if (priority < 0 || priority > 7) {
        reject(concat(base, "/ioPriority/priority"), std::to_string(priority), "0 to 7");
    }
}

void check_exec_cpu_affinity(const Process& process, std::string_view base) {
    if (!process.exec_cpu_affinity) return;
    const auto check = [&](std::string_view member, const std::optional<std::string>& list) {
        if (list && !parse_number_list(*list)) {
            reject(concat(base, "/execCPUAffinity/", member), in_quotes(*list),
                   "a list of numbers below 8192 as in \"0-3,7\"");
        }
    };
    check("initial", process.exec_cpu_affinity->initial);
    check("final", process.exec_cpu_affinity->final);
}

constexpr std::array kRules{
    check_cwd,
    check_args,
    check_env,
    check_console_size,
    check_ids,
    check_umask,
    check_rlimits,
    check_oom_score_adj,
    check_scheduler,
    check_io_priority,
    check_exec_cpu_affinity,
};

// config.md: what cannot be granted MUST be a warning, not an error.
void warn_about_capabilities(const Process& process, std::string_view base, Warnings& warnings) {
    if (!process.capabilities) return;
    const auto look = [&](std::string_view member, const std::vector<std::string>& names) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (capability_number(names[i])) continue;
            warn(warnings, at(concat(base, "/capabilities/", member), i),
                 concat("unknown capability ", in_quotes(names[i]), " is left out"));
        }
    };
    look("bounding", process.capabilities->bounding);
    look("effective", process.capabilities->effective);
    look("inheritable", process.capabilities->inheritable);
    look("permitted", process.capabilities->permitted);
    look("ambient", process.capabilities->ambient);
}

}  // namespace

void check_process(const Process& process, std::string_view base, Warnings& warnings) {
    for (const auto rule : kRules) rule(process, base);
    warn_about_capabilities(process, base, warnings);
}

}  // namespace lxcri::oci
