#pragma once
// The profile in a form that is easy to compile: actions as the kernel's numbers, comparisons in
// one form, names as indices.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "oci/seccomp.h"
#include "seccomp/syscalls.h"

namespace lxcri::seccomp {

// A comparison with one argument, without sign.
struct Condition {
    std::uint32_t index = 0;
    oci::SeccompOperator op = oci::SeccompOperator::eq;
    std::uint64_t value = 0;  // masked_eq: what the masked argument must be
    std::uint64_t mask = std::numeric_limits<std::uint64_t>::max();  // only masked_eq has another

    bool operator==(const Condition&) const = default;
};

struct Rule {
    std::uint32_t action = 0;           // SECCOMP_RET_* with its data
    std::vector<Condition> conditions;  // all have to hold; sorted by index, each index once
    std::size_t origin = 0;             // its place in /linux/seccomp/syscalls
};

// Not to be copied: it points into itself.
class Profile {
  public:
    // Unknown names become warnings.
    Profile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings);
    Profile(const Profile&) = delete;
    Profile& operator=(const Profile&) = delete;
    ~Profile() = default;

    std::uint32_t default_action() const { return default_action_; }

    // The rules that name a system call, in the order of the profile; also those with the default
    // action. `syscall` is an index of syscalls.h.
    std::span<const Rule* const> rules_for(std::size_t syscall) const {
        return {uses_.data() + begins_[syscall], uses_.data() + begins_[syscall + 1]};
    }

  private:
    std::uint32_t default_action_;
    std::vector<Rule> rules_;
    std::vector<const Rule*> uses_;      // by system call
    std::vector<std::uint32_t> begins_;  // of each system call in uses_, and the end
};

// Of two rules for one system call that both match, which decides? The runtime-spec does not say;
// this is the order of libseccomp, and so of other runtimes: an argument with a higher index comes
// first, then equality, upper bounds, lower bounds, and of two bounds the narrower one.
// Both have conditions: a rule without any is stronger than all that have some.
bool is_tried_before(const Rule& a, const Rule& b);

// Does the kernel take the first action when one filter says this and another one that?
// (seccomp(2): the precedence of actions.)
bool is_stricter(std::uint32_t action, std::uint32_t than);

}  // namespace lxcri::seccomp
