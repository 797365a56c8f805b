// Our numbers are those of the kernel's headers, which lib/oci does not include. (linux/ioprio.h is
// no C++: those of ioprio_set(2) stay unchecked.)

#include "oci/names.h"

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "oci/spec.h"
#include "seccomp/load.h"
#include "support/catch.h"

using namespace lxcri;
using namespace lxcri::oci;

TEST_CASE("capabilities have the kernel's numbers") {
    CHECK(capability_number("CAP_CHOWN") == CAP_CHOWN);
    CHECK(capability_number("CAP_SETPCAP") == CAP_SETPCAP);
    CHECK(capability_number("CAP_NET_ADMIN") == CAP_NET_ADMIN);
    CHECK(capability_number("CAP_SYS_ADMIN") == CAP_SYS_ADMIN);
    CHECK(capability_number("CAP_MKNOD") == CAP_MKNOD);
    CHECK(capability_number("CAP_SYSLOG") == CAP_SYSLOG);
    CHECK(capability_number("CAP_CHECKPOINT_RESTORE") == CAP_CHECKPOINT_RESTORE);
    CHECK_FALSE(capability_number("CAP_FOO"));
    CHECK_FALSE(capability_number("cap_chown"));
    for (std::size_t i = 0; i < kCapabilities.size(); ++i) {
        CHECK(kCapabilities[i].value == static_cast<int>(i));
    }
}

TEST_CASE("resource limits have the kernel's numbers") {
    const auto number = [](std::string_view name) {
        return static_cast<int>(value_of(kRlimitTypes, name).value());
    };
    CHECK(number("RLIMIT_AS") == RLIMIT_AS);
    CHECK(number("RLIMIT_CORE") == RLIMIT_CORE);
    CHECK(number("RLIMIT_CPU") == RLIMIT_CPU);
    CHECK(number("RLIMIT_DATA") == RLIMIT_DATA);
    CHECK(number("RLIMIT_FSIZE") == RLIMIT_FSIZE);
    CHECK(number("RLIMIT_LOCKS") == RLIMIT_LOCKS);
    CHECK(number("RLIMIT_MEMLOCK") == RLIMIT_MEMLOCK);
    CHECK(number("RLIMIT_MSGQUEUE") == RLIMIT_MSGQUEUE);
    CHECK(number("RLIMIT_NICE") == RLIMIT_NICE);
    CHECK(number("RLIMIT_NOFILE") == RLIMIT_NOFILE);
    CHECK(number("RLIMIT_NPROC") == RLIMIT_NPROC);
    CHECK(number("RLIMIT_RSS") == RLIMIT_RSS);
    CHECK(number("RLIMIT_RTPRIO") == RLIMIT_RTPRIO);
    CHECK(number("RLIMIT_RTTIME") == RLIMIT_RTTIME);
    CHECK(number("RLIMIT_SIGPENDING") == RLIMIT_SIGPENDING);
    CHECK(number("RLIMIT_STACK") == RLIMIT_STACK);
}

TEST_CASE("scheduling has the kernel's numbers") {
    CHECK(static_cast<int>(SchedulerPolicy::other) == SCHED_NORMAL);
    CHECK(static_cast<int>(SchedulerPolicy::fifo) == SCHED_FIFO);
    CHECK(static_cast<int>(SchedulerPolicy::round_robin) == SCHED_RR);
    CHECK(static_cast<int>(SchedulerPolicy::batch) == SCHED_BATCH);
    CHECK(static_cast<int>(SchedulerPolicy::idle) == SCHED_IDLE);
    CHECK(static_cast<int>(SchedulerPolicy::deadline) == SCHED_DEADLINE);
    CHECK(static_cast<int>(SchedulerFlag::reset_on_fork) == SCHED_FLAG_RESET_ON_FORK);
    CHECK(static_cast<int>(SchedulerFlag::reclaim) == SCHED_FLAG_RECLAIM);
    CHECK(static_cast<int>(SchedulerFlag::dl_overrun) == SCHED_FLAG_DL_OVERRUN);
    CHECK(static_cast<int>(SchedulerFlag::keep_policy) == SCHED_FLAG_KEEP_POLICY);
    CHECK(static_cast<int>(SchedulerFlag::keep_params) == SCHED_FLAG_KEEP_PARAMS);
    CHECK(static_cast<int>(SchedulerFlag::util_clamp_min) == SCHED_FLAG_UTIL_CLAMP_MIN);
    CHECK(static_cast<int>(SchedulerFlag::util_clamp_max) == SCHED_FLAG_UTIL_CLAMP_MAX);
}

TEST_CASE("memory policy, personality and seccomp flags have the kernel's numbers") {
    CHECK(static_cast<int>(MemoryPolicyMode::default_) == MPOL_DEFAULT);
    CHECK(static_cast<int>(MemoryPolicyMode::preferred) == MPOL_PREFERRED);
    CHECK(static_cast<int>(MemoryPolicyMode::bind) == MPOL_BIND);
    CHECK(static_cast<int>(MemoryPolicyMode::interleave) == MPOL_INTERLEAVE);
    CHECK(static_cast<int>(MemoryPolicyMode::local) == MPOL_LOCAL);
    CHECK(static_cast<int>(MemoryPolicyMode::preferred_many) == MPOL_PREFERRED_MANY);
    CHECK(static_cast<int>(MemoryPolicyFlag::static_nodes) == MPOL_F_STATIC_NODES);
    CHECK(static_cast<int>(MemoryPolicyFlag::relative_nodes) == MPOL_F_RELATIVE_NODES);
    CHECK(static_cast<int>(MemoryPolicyFlag::numa_balancing) == MPOL_F_NUMA_BALANCING);
    CHECK(static_cast<int>(PersonalityDomain::linux_) == PER_LINUX);
    CHECK(static_cast<int>(PersonalityDomain::linux32) == PER_LINUX32);
    CHECK(static_cast<unsigned long>(SeccompFlag::tsync) == SECCOMP_FILTER_FLAG_TSYNC);
    CHECK(static_cast<unsigned long>(SeccompFlag::log) == SECCOMP_FILTER_FLAG_LOG);
    CHECK(static_cast<unsigned long>(SeccompFlag::spec_allow) == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    CHECK(static_cast<unsigned long>(SeccompFlag::wait_killable_recv) ==
          SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}
