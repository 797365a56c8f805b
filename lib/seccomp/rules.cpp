#include "seccomp/rules.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::seccomp {

namespace {

using oci::SeccompAction;
using oci::SeccompOperator;

std::uint32_t kernel_action(SeccompAction action, std::optional<std::uint32_t> errno_ret) {
    const std::uint32_t data = errno_ret.value_or(EPERM) & SECCOMP_RET_DATA;
    switch (action) {
        case SeccompAction::kill_process:
            return SECCOMP_RET_KILL_PROCESS;
        case SeccompAction::kill_thread:
            return SECCOMP_RET_KILL_THREAD;
        case SeccompAction::trap:
            return SECCOMP_RET_TRAP;
        case SeccompAction::error:
            return SECCOMP_RET_ERRNO | data;
        case SeccompAction::trace:
            return SECCOMP_RET_TRACE | data;
        case SeccompAction::allow:
            return SECCOMP_RET_ALLOW;
        case SeccompAction::log:
            return SECCOMP_RET_LOG;
        case SeccompAction::notify:
            return SECCOMP_RET_USER_NOTIF;
    }
    throw Error("unknown seccomp action");
}

// libseccomp masks both sides of the comparison.
Condition condition_of(const oci::SeccompArg& arg) {
    if (arg.op != SeccompOperator::masked_eq) return {arg.index, arg.op, arg.value};
    return {arg.index, arg.op, arg.value_two & arg.value, arg.value};
}

// Returns how many. libseccomp accepts one condition for each argument; where an entry has several
// for one, other runtimes make a rule of each of its conditions: one of them is enough.
std::size_t add_rules(std::vector<Rule>& rules, const oci::SeccompSyscall& syscall,
                      std::size_t origin) {
    Rule rule{kernel_action(syscall.action, syscall.errno_ret), {}, origin};
    for (const auto& arg : syscall.args) rule.conditions.push_back(condition_of(arg));
    std::sort(rule.conditions.begin(), rule.conditions.end(),
              [](const Condition& a, const Condition& b) { return a.index < b.index; });
    const auto twice = std::adjacent_find(
        rule.conditions.begin(), rule.conditions.end(),
        [](const Condition& a, const Condition& b) { return a.index == b.index; });
    if (twice == rule.conditions.end()) {
        rules.push_back(std::move(rule));
        return 1;
    }
    for (const Condition& condition : rule.conditions) {
        rules.push_back({rule.action, {condition}, origin});
    }
    return rule.conditions.size();
}

int rank(SeccompOperator op) {
    switch (op) {
        case SeccompOperator::eq:
        case SeccompOperator::ne:
        case SeccompOperator::masked_eq:
            return 0;
        case SeccompOperator::lt:
        case SeccompOperator::le:
            return 1;
        case SeccompOperator::ge:
        case SeccompOperator::gt:
            return 2;
    }
    return 3;
}

bool is_tried_before(const Condition& a, const Condition& b) {
    if (a.index != b.index) return a.index > b.index;
    if (rank(a.op) != rank(b.op)) return rank(a.op) < rank(b.op);
    return rank(a.op) == rank(SeccompOperator::lt) ? a.value < b.value : a.value > b.value;
}

// The rules that the names of one entry share.
struct Span {
    std::size_t begin;
    std::size_t end;
};

struct Use {
    std::size_t syscall;
    Span rules;
};

void warn_unknown(std::vector<std::string>& warnings, std::size_t entry, std::size_t index,
                  std::string_view name) {
    warnings.push_back(concat("/linux/seccomp/syscalls/", std::to_string(entry), "/names/",
                              std::to_string(index), ": ", in_quotes(name),
                              " is not a known system call, skipped"));
}

}  // namespace

Profile::Profile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings)
    : default_action_(kernel_action(seccomp.default_action, seccomp.default_errno_ret)),
      begins_(syscall_count() + 1) {
    std::vector<Use> uses;
    std::size_t count = 0;
    for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
        const Span span{rules_.size(), rules_.size() + add_rules(rules_, seccomp.syscalls[i], i)};
        const auto& names = seccomp.syscalls[i].names;
        for (std::size_t j = 0; j < names.size(); ++j) {
            if (const auto syscall = find_syscall(names[j])) {
                uses.push_back({*syscall, span});
                count += span.end - span.begin;
                begins_[*syscall + 1] += static_cast<std::uint32_t>(span.end - span.begin);
            } else {
                warn_unknown(warnings, i, j, names[j]);
            }
        }
    }
    // Sorted by counting: where each system call begins, then one rule after the other.
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    uses_.resize(count);
    std::vector<std::uint32_t> next = begins_;
    for (const Use& use : uses) {
        for (std::size_t i = use.rules.begin; i < use.rules.end; ++i) {
            uses_[next[use.syscall]++] = &rules_[i];
        }
    }
}

bool is_tried_before(const Rule& a, const Rule& b) {
    return std::lexicographical_compare(
        a.conditions.begin(), a.conditions.end(), b.conditions.begin(), b.conditions.end(),
        [](const Condition& x, const Condition& y) { return is_tried_before(x, y); });
}

bool is_stricter(std::uint32_t action, std::uint32_t than) {
    // The kernel compares them with a sign, KILL_PROCESS being the only negative one.
    const auto order = [](std::uint32_t value) {
        return static_cast<std::int32_t>(value & SECCOMP_RET_ACTION_FULL);
    };
    return order(action) < order(than);
}

}  // namespace lxcri::seccomp
