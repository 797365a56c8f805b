#pragma once
// The meaning of a profile, written down a second time and as plainly as possible: what has to
// become of this system call? With libseccomp's own table of numbers. Only for machines of little
// endian archs and for the three architectures of x86.

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/seccomp.h"

namespace lxcri::test {

inline std::uint32_t kernel_action(oci::SeccompAction action, std::optional<std::uint32_t> data) {
    const std::uint32_t value = data.value_or(EPERM);
    const std::map<oci::SeccompAction, std::uint32_t> actions{
        {oci::SeccompAction::kill_process, SECCOMP_RET_KILL_PROCESS},
        {oci::SeccompAction::kill_thread, SECCOMP_RET_KILL_THREAD},
        {oci::SeccompAction::trap, SECCOMP_RET_TRAP},
        {oci::SeccompAction::error, SECCOMP_RET_ERRNO | value},
        {oci::SeccompAction::trace, SECCOMP_RET_TRACE | value},
        {oci::SeccompAction::allow, SECCOMP_RET_ALLOW},
        {oci::SeccompAction::log, SECCOMP_RET_LOG},
        {oci::SeccompAction::notify, SECCOMP_RET_USER_NOTIF},
    };
    return actions.at(action);
}

// The numbers of one name on x86, x86_64 or x32: no more than one, but for libseccomp's own
// numbers of what goes through socketcall and ipc.
class Numbers {
  public:
    explicit Numbers(std::uint32_t token) : token_(token) {
        const int first = token == SCMP_ARCH_X32 ? 0x40000000 : 0;
        for (int number = first; number < first + 600; ++number) {
            char* name = seccomp_syscall_resolve_num_arch(token, number);
            if (name != nullptr) numbers_.emplace(name, static_cast<std::uint32_t>(number));
            std::free(name);
        }
    }

    std::optional<std::uint32_t> find(const std::string& name) const {
        const auto found = numbers_.find(name);
        if (found == numbers_.end()) return {};
        return found->second;
    }

    // The first argument of socketcall or ipc that means this system call; 0: none does.
    std::uint32_t call_through(const std::string& name, const std::string& through) const {
        const int number = seccomp_syscall_resolve_name_arch(token_, name.c_str());
        if (through == "socketcall" && number < -100 && number > -200) {
            return static_cast<std::uint32_t>(-number - 100);
        }
        if (through == "ipc" && number < -200 && number > -300) {
            return static_cast<std::uint32_t>(-number - 200);
        }
        return 0;
    }

  private:
    std::uint32_t token_;
    std::map<std::string, std::uint32_t> numbers_;
};

class ProfileModel {
  public:
    explicit ProfileModel(const oci::Seccomp& profile) : profile_(profile) {}

    // `rule_order` breaks ties between rules that both match: not asked for by the profiles of the
    // random test, in which the rules of one system call say the same.
    std::uint32_t action_for(const seccomp_data& data) const {
        const auto arch = arch_of(data);
        if (!arch) return SECCOMP_RET_KILL_PROCESS;
        const Numbers& numbers = numbers_of(*arch);
        const auto number = static_cast<std::uint32_t>(data.nr);
        if (const auto named = action_of_rules(numbers, number, data, *arch)) return *named;
        const bool let_through = profile_.default_action == oci::SeccompAction::allow ||
                                 profile_.default_action == oci::SeccompAction::log ||
                                 profile_.default_action == oci::SeccompAction::trace;
        if (!let_through && is_newer(numbers, number, *arch)) return SECCOMP_RET_ERRNO | ENOSYS;
        return kernel_action(profile_.default_action, profile_.default_errno_ret);
    }

  private:
    using Arch = oci::SeccompArch;

    bool has(Arch arch) const {
        return arch == Arch::x86_64 ||
               std::find(profile_.architectures.begin(), profile_.architectures.end(), arch) !=
                   profile_.architectures.end();
    }

    std::optional<Arch> arch_of(const seccomp_data& data) const {
        std::optional<Arch> arch;
        if (data.arch == AUDIT_ARCH_I386) arch = Arch::x86;
        if (data.arch == AUDIT_ARCH_X86_64) {
            arch = data.nr >= 0x40000000 || (data.nr == -1 && has(Arch::x32)) ? Arch::x32
                                                                              : Arch::x86_64;
            if (data.nr < -1) arch = Arch::x32;
        }
        if (!arch || !has(*arch)) return {};
        return arch;
    }

    static const Numbers& numbers_of(Arch arch) {
        static const Numbers x86(SCMP_ARCH_X86);
        static const Numbers x86_64(SCMP_ARCH_X86_64);
        static const Numbers x32(SCMP_ARCH_X32);
        return arch == Arch::x86 ? x86 : arch == Arch::x32 ? x32 : x86_64;
    }

    static bool matches(const oci::SeccompArg& arg, const seccomp_data& data, Arch arch) {
        std::uint64_t actual = data.args[arg.index];
        std::uint64_t value = arg.value;
        std::uint64_t second = arg.value_two;
        if (arch != Arch::x86_64) {
            for (std::uint64_t* word : {&actual, &value, &second}) *word &= 0xffffffff;
        }
        switch (arg.op) {
            case oci::SeccompOperator::ne:
                return actual != value;
            case oci::SeccompOperator::lt:
                return actual < value;
            case oci::SeccompOperator::le:
                return actual <= value;
            case oci::SeccompOperator::eq:
                return actual == value;
            case oci::SeccompOperator::ge:
                return actual >= value;
            case oci::SeccompOperator::gt:
                return actual > value;
            case oci::SeccompOperator::masked_eq:
                return (actual & value) == (second & value);
        }
        return false;
    }

    static bool matches(const oci::SeccompSyscall& rule, const seccomp_data& data, Arch arch) {
        const auto match = [&](const oci::SeccompArg& arg) { return matches(arg, data, arch); };
        for (const auto& arg : rule.args) {
            const auto same = [&](const oci::SeccompArg& other) {
                return other.index == arg.index;
            };
            if (std::count_if(rule.args.begin(), rule.args.end(), same) > 1) {
                return std::any_of(rule.args.begin(), rule.args.end(), match);
            }
        }
        return std::all_of(rule.args.begin(), rule.args.end(), match);
    }

    std::optional<std::uint32_t> action_of_rules(const Numbers& numbers, std::uint32_t number,
                                                 const seccomp_data& data, Arch arch) const {
        const auto fallback = kernel_action(profile_.default_action, profile_.default_errno_ret);
        std::optional<std::uint32_t> conditional;
        for (const auto& rule : profile_.syscalls) {
            const auto action = kernel_action(rule.action, rule.errno_ret);
            if (action == fallback) continue;
            for (const auto& name : rule.names) {
                if (numbers.find(name) != number) continue;
                if (rule.args.empty()) return action;
                if (!conditional && matches(rule, data, arch)) conditional = action;
            }
        }
        if (conditional) return conditional;
        return action_of_multiplexed(numbers, number, data);
    }

    std::optional<std::uint32_t> action_of_multiplexed(const Numbers& numbers, std::uint32_t number,
                                                       const seccomp_data& data) const {
        const auto fallback = kernel_action(profile_.default_action, profile_.default_errno_ret);
        std::optional<std::uint32_t> whole;
        std::optional<std::uint32_t> part;
        for (const auto& rule : profile_.syscalls) {
            const auto action = kernel_action(rule.action, rule.errno_ret);
            if (action == fallback) continue;
            for (const auto& name : rule.names) {
                if (!goes_through(numbers, name, number, data)) continue;
                if (rule.args.empty() && !whole) whole = action;
                if (rule.args.empty() || order(action) >= order(fallback)) continue;
                if (!part || order(action) < order(*part)) part = action;
            }
        }
        return whole ? whole : part;
    }

    static bool goes_through(const Numbers& numbers, const std::string& name, std::uint32_t number,
                             const seccomp_data& data) {
        const std::uint64_t call = data.args[0] & 0xffffffff;
        if (numbers.find("socketcall") == number) {
            return call == numbers.call_through(name, "socketcall") && call != 0;
        }
        if (numbers.find("ipc") == number) {
            return (call & 0xffff) == numbers.call_through(name, "ipc") && (call & 0xffff) != 0;
        }
        return false;
    }

    static std::int32_t order(std::uint32_t action) {
        return static_cast<std::int32_t>(action & SECCOMP_RET_ACTION_FULL);
    }

    bool is_newer(const Numbers& numbers, std::uint32_t number, Arch arch) const {
        const auto is_old_x32 = [&](std::uint32_t other) {
            return arch == Arch::x32 && other >= 0x40000000 + 512 && other < 0x40000000 + 548;
        };
        std::optional<std::uint32_t> newest;
        for (const auto& rule : profile_.syscalls) {
            for (const auto& name : rule.names) {
                const auto known = numbers.find(name);
                if (known && !is_old_x32(*known)) newest = std::max(newest.value_or(0), *known);
            }
        }
        return newest && number > *newest && !is_old_x32(number);
    }

    const oci::Seccomp& profile_;
};

}  // namespace lxcri::test
