#include "agent/program_filter.h"

#include <sched.h>

#include <array>
#include <cerrno>
#include <vector>

#include "oci/seccomp.h"
#include "seccomp/compile.h"

namespace lxcri::agent {

namespace {

using oci::SeccompAction;

// What the usual filters of engines refuse also to a container with CAP_SYS_ADMIN, and what looks
// into other processes. No file system in user space needs one of them.
const std::vector<std::string>& refused_calls() {
    static const std::vector<std::string> calls = {
        "_sysctl",
        "acct",
        "add_key",
        "bpf",
        "clock_adjtime",
        "clock_adjtime64",
        "clock_settime",
        "clock_settime64",
        "create_module",
        "delete_module",
        "fanotify_init",
        "finit_module",
        "get_kernel_syms",
        "init_module",
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "ioperm",
        "iopl",
        "kcmp",
        "kexec_file_load",
        "kexec_load",
        "keyctl",
        "lookup_dcookie",
        "move_pages",
        "nfsservctl",
        "open_by_handle_at",
        "perf_event_open",
        "pidfd_getfd",
        "pivot_root",
        "process_madvise",
        "process_vm_readv",
        "process_vm_writev",
        "ptrace",
        "query_module",
        "quotactl",
        "quotactl_fd",
        "reboot",
        "request_key",
        "setns",
        "settimeofday",
        "stime",
        "swapoff",
        "swapon",
        "sysfs",
        "syslog",
        "unshare",
        "uselib",
        "userfaultfd",
        "ustat",
        "vm86",
        "vm86old",
    };
    return calls;
}

oci::SeccompSyscall refuse(std::vector<std::string> names, std::vector<oci::SeccompArg> arguments) {
    oci::SeccompSyscall rule;
    rule.names = std::move(names);
    rule.action = SeccompAction::error;
    rule.args = std::move(arguments);
    return rule;
}

oci::SeccompArg bits(std::uint32_t index, std::uint64_t mask, std::uint64_t value) {
    return {index, mask, value, oci::SeccompOperator::masked_eq};
}

constexpr std::array<std::uint64_t, 7> kNamespaces{CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                                   CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                                   CLONE_NEWNET};
#if defined(__s390x__)
constexpr std::uint32_t kFlagsOfClone = 1;
#else
constexpr std::uint32_t kFlagsOfClone = 0;
#endif

}  // namespace

// A call of another architecture ends the program: compile() lets only the native one through.
std::string make_program_filter() {
    constexpr std::uint64_t kAlg = 38;    // AF_ALG
    constexpr std::uint64_t kVsock = 40;  // AF_VSOCK: the machine that this one runs in
    oci::Seccomp filter;
    filter.default_action = SeccompAction::allow;
    filter.flags.emplace();
    filter.syscalls.push_back(refuse(refused_calls(), {}));
    // The kernel takes an int, whatever is above it.
    for (const std::uint64_t family : {kAlg, kVsock}) {
        filter.syscalls.push_back(refuse({"socket"}, {bits(0, 0xffffffff, family)}));
    }
    for (const std::uint64_t flag : kNamespaces) {
        filter.syscalls.push_back(refuse({"clone"}, {bits(kFlagsOfClone, flag, flag)}));
    }
    // Its flags are in memory. The C library then takes clone(2).
    filter.syscalls.push_back(refuse({"clone3"}, {}));
    filter.syscalls.back().errno_ret = ENOSYS;
    std::vector<std::string> unknown_names;  // of other architectures
    return seccomp::compile(filter, unknown_names).program;
}

}  // namespace lxcri::agent
