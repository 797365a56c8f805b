// The rules of `linux.seccomp`: runtime-spec config-linux.md "Seccomp".

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"

namespace lxcri::oci {

namespace {

void check_errno(SeccompAction action, const std::optional<std::uint32_t>& value,
                 std::string pointer) {
    if (!value) return;
    if (action != SeccompAction::error && action != SeccompAction::trace) {
        throw SpecError(std::move(pointer),
                        concat("given with ", name_of(kSeccompActions, action),
                               ", allowed only with SCMP_ACT_ERRNO or SCMP_ACT_TRACE"));
    }
    // The kernel would cut off: MAX_ERRNO, and 16 bits of SECCOMP_RET_DATA for a tracer.
    const std::uint32_t most = action == SeccompAction::error ? 4095 : 65535;
    if (*value > most) {
        reject(std::move(pointer), std::to_string(*value), concat("0 to ", std::to_string(most)));
    }
}

void check_default(const Seccomp& seccomp, std::string_view base) {
    // The listener could not answer for the system calls that hand it over.
    if (seccomp.default_action == SeccompAction::notify) {
        throw SpecError(concat(base, "/defaultAction"), "SCMP_ACT_NOTIFY cannot be the default");
    }
    check_errno(seccomp.default_action, seccomp.default_errno_ret,
                concat(base, "/defaultErrnoRet"));
}

void check_listener(const Seccomp& seccomp, std::string_view base) {
    const auto notifies = [](const SeccompSyscall& rule) {
        return rule.action == SeccompAction::notify;
    };
    if (!seccomp.listener_path &&
        std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(), notifies)) {
        throw SpecError(concat(base, "/listenerPath"), "missing, SCMP_ACT_NOTIFY requires it");
    }
    if (seccomp.listener_metadata && !seccomp.listener_path) {
        throw SpecError(concat(base, "/listenerMetadata"), "given without listenerPath");
    }
}

void check_names(const SeccompSyscall& rule, const std::string& pointer) {
    if (rule.names.empty()) throw SpecError(concat(pointer, "/names"), "empty");
    for (std::size_t i = 0; i < rule.names.size(); ++i) {
        const auto& name = rule.names[i];
        if (name.empty()) throw SpecError(at(concat(pointer, "/names"), i), "empty");
        // Handing over the listener writes to a socket: the listener would wait for itself.
        if (rule.action == SeccompAction::notify && name == "write") {
            throw SpecError(at(concat(pointer, "/names"), i),
                            "SCMP_ACT_NOTIFY cannot be used for write");
        }
    }
}

void check_syscalls(const Seccomp& seccomp, std::string_view base) {
    for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
        const auto& rule = seccomp.syscalls[i];
        const auto pointer = at(concat(base, "/syscalls"), i);
        check_names(rule, pointer);
        check_errno(rule.action, rule.errno_ret, concat(pointer, "/errnoRet"));
        for (std::size_t j = 0; j < rule.args.size(); ++j) {
            if (rule.args[j].index > 5) {
                reject(at(concat(pointer, "/args"), j, "/index"),
                       std::to_string(rule.args[j].index), "0 to 5");
            }
        }
    }
}

constexpr std::array kRules{check_default, check_listener, check_syscalls};

}  // namespace

void check_seccomp(const Seccomp& seccomp, std::string_view base) {
    for (const auto rule : kRules) rule(seccomp, base);
}

}  // namespace lxcri::oci
