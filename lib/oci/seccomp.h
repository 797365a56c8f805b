#pragma once
// The system call filter: runtime-spec config-linux.md "Seccomp".

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/enum_table.h"

namespace lxcri::oci {

enum class SeccompAction { kill_process, kill_thread, trap, error, trace, allow, log, notify };

// KILL is an alias of KILL_THREAD (libseccomp); printing gives the longer name.
inline constexpr std::array<Named<SeccompAction>, 9> kSeccompActions{{
    {"SCMP_ACT_KILL_THREAD", SeccompAction::kill_thread},
    {"SCMP_ACT_KILL", SeccompAction::kill_thread},
    {"SCMP_ACT_KILL_PROCESS", SeccompAction::kill_process},
    {"SCMP_ACT_TRAP", SeccompAction::trap},
    {"SCMP_ACT_ERRNO", SeccompAction::error},
    {"SCMP_ACT_TRACE", SeccompAction::trace},
    {"SCMP_ACT_ALLOW", SeccompAction::allow},
    {"SCMP_ACT_LOG", SeccompAction::log},
    {"SCMP_ACT_NOTIFY", SeccompAction::notify},
}};

enum class SeccompOperator { ne, lt, le, eq, ge, gt, masked_eq };

inline constexpr std::array<Named<SeccompOperator>, 7> kSeccompOperators{{
    {"SCMP_CMP_NE", SeccompOperator::ne},
    {"SCMP_CMP_LT", SeccompOperator::lt},
    {"SCMP_CMP_LE", SeccompOperator::le},
    {"SCMP_CMP_EQ", SeccompOperator::eq},
    {"SCMP_CMP_GE", SeccompOperator::ge},
    {"SCMP_CMP_GT", SeccompOperator::gt},
    {"SCMP_CMP_MASKED_EQ", SeccompOperator::masked_eq},
}};

enum class SeccompArch {
    x86,
    x86_64,
    x32,
    arm,
    aarch64,
    loongarch64,
    m68k,
    mips,
    mips64,
    mips64n32,
    mipsel,
    mipsel64,
    mipsel64n32,
    ppc,
    ppc64,
    ppc64le,
    s390,
    s390x,
    sh,
    sheb,
    parisc,
    parisc64,
    riscv64,
};

inline constexpr std::array<Named<SeccompArch>, 23> kSeccompArchs{{
    {"SCMP_ARCH_X86", SeccompArch::x86},
    {"SCMP_ARCH_X86_64", SeccompArch::x86_64},
    {"SCMP_ARCH_X32", SeccompArch::x32},
    {"SCMP_ARCH_ARM", SeccompArch::arm},
    {"SCMP_ARCH_AARCH64", SeccompArch::aarch64},
    {"SCMP_ARCH_LOONGARCH64", SeccompArch::loongarch64},
    {"SCMP_ARCH_M68K", SeccompArch::m68k},
    {"SCMP_ARCH_MIPS", SeccompArch::mips},
    {"SCMP_ARCH_MIPS64", SeccompArch::mips64},
    {"SCMP_ARCH_MIPS64N32", SeccompArch::mips64n32},
    {"SCMP_ARCH_MIPSEL", SeccompArch::mipsel},
    {"SCMP_ARCH_MIPSEL64", SeccompArch::mipsel64},
    {"SCMP_ARCH_MIPSEL64N32", SeccompArch::mipsel64n32},
    {"SCMP_ARCH_PPC", SeccompArch::ppc},
    {"SCMP_ARCH_PPC64", SeccompArch::ppc64},
    {"SCMP_ARCH_PPC64LE", SeccompArch::ppc64le},
    {"SCMP_ARCH_S390", SeccompArch::s390},
    {"SCMP_ARCH_S390X", SeccompArch::s390x},
    {"SCMP_ARCH_SH", SeccompArch::sh},
    {"SCMP_ARCH_SHEB", SeccompArch::sheb},
    {"SCMP_ARCH_PARISC", SeccompArch::parisc},
    {"SCMP_ARCH_PARISC64", SeccompArch::parisc64},
    {"SCMP_ARCH_RISCV64", SeccompArch::riscv64},
}};

// The values are those of linux/seccomp.h.
enum class SeccompFlag : std::uint32_t {
    tsync = 1U << 0U,
    log = 1U << 1U,
    spec_allow = 1U << 2U,
    wait_killable_recv = 1U << 5U,
};

inline constexpr std::array<Named<SeccompFlag>, 4> kSeccompFlags{{
    {"SECCOMP_FILTER_FLAG_TSYNC", SeccompFlag::tsync},
    {"SECCOMP_FILTER_FLAG_LOG", SeccompFlag::log},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SeccompFlag::spec_allow},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SeccompFlag::wait_killable_recv},
}};

struct SeccompArg {
    std::uint32_t index = 0;      // 0 to 5
    std::uint64_t value = 0;      // masked_eq: the mask
    std::uint64_t value_two = 0;  // masked_eq: what the masked argument must be
    SeccompOperator op = SeccompOperator::eq;
};

struct SeccompSyscall {
    std::vector<std::string> names;  // at least one; an unknown name is not an error
    SeccompAction action = SeccompAction::kill_thread;
    std::optional<std::uint32_t> errno_ret;  // only with error and trace; absent: EPERM
    std::vector<SeccompArg> args;            // all have to match
};

struct Seccomp {
    SeccompAction default_action = SeccompAction::kill_thread;
    std::optional<std::uint32_t> default_errno_ret;  // only with error and trace; absent: EPERM
    std::vector<SeccompArch> architectures;          // empty: the native one
    // Absent is not the same as empty: other runtimes then choose flags themselves.
    std::optional<std::vector<SeccompFlag>> flags;
    std::optional<std::string> listener_path;      // a Unix socket; used only with notify
    std::optional<std::string> listener_metadata;  // only with listener_path
    std::vector<SeccompSyscall> syscalls;
};

}  // namespace lxcri::oci
