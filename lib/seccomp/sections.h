#pragma once
// The actions for each system call number, for each architecture.

#include <cstdint>
#include <span>
#include <vector>

#include "oci/seccomp.h"
#include "seccomp/rules.h"

namespace lxcri::seccomp {

// Neighbouring numbers with the same actions. It ends where the next one begins.
struct Range {
    std::uint32_t first = 0;
    std::uint32_t action = 0;  // when no rule matches
    std::vector<Rule> rules;   // each with conditions, in the order in which they are tried
    bool is_32_bit = false;    // only the lower half of arguments counts
};

// All numbers, from 0 on, of one AUDIT_ARCH.
struct Section {
    std::uint32_t audit_arch = 0;
    std::vector<Range> ranges;
};

// For the native architecture, which comes first, and these. Throws SpecError for one that is not
// possible, and for rules that contradict each other.
std::vector<Section> make_sections(const Profile& profile,
                                   const std::vector<oci::SeccompArch>& architectures);

// For a system call of an architecture that the profile does not name: the same number means
// another call there.
inline constexpr std::uint32_t kForeignArchAction = 0x80000000;  // SECCOMP_RET_KILL_PROCESS

}  // namespace lxcri::seccomp
