#pragma once
// Short ways to write a profile.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oci/seccomp.h"

namespace lxcri::test {

using Args = std::vector<oci::SeccompArg>;

inline oci::SeccompArg arg(std::uint32_t index, oci::SeccompOperator op, std::uint64_t value,
                           std::uint64_t value_two = 0) {
    return {index, value, value_two, op};
}

inline oci::SeccompSyscall rule(std::vector<std::string> names, oci::SeccompAction action,
                                Args args = {}, std::optional<std::uint32_t> errno_ret = {}) {
    return {std::move(names), action, errno_ret, std::move(args)};
}

// SCMP_ACT_ERRNO.
inline oci::SeccompSyscall deny(std::string name, std::uint32_t errno_ret, Args args = {}) {
    return rule({std::move(name)}, oci::SeccompAction::error, std::move(args), errno_ret);
}

inline oci::SeccompSyscall allow(std::string name, Args args = {}) {
    return rule({std::move(name)}, oci::SeccompAction::allow, std::move(args));
}

inline oci::Seccomp profile(oci::SeccompAction default_action,
                            std::vector<oci::SeccompSyscall> rules = {},
                            std::vector<oci::SeccompArch> architectures = {}) {
    oci::Seccomp seccomp;
    seccomp.default_action = default_action;
    seccomp.architectures = std::move(architectures);
    seccomp.syscalls = std::move(rules);
    return seccomp;
}

}  // namespace lxcri::test
