// Owns:  the annotation org.linuxcontainers.lxcri.agent
// Emits: rules of the filter (seccomp.cpp)
#include "translate/agent.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "oci/agent.h"
#include "seccomp/load.h"
#include "seccomp/syscalls.h"

namespace lxcri::translate {

namespace {

using oci::AgentCall;
using oci::Seccomp;
using oci::SeccompAction;
using oci::SeccompArch;
using oci::SeccompArg;
using oci::SeccompOperator;
using oci::SeccompSyscall;

std::string pointer() {
    return concat("/annotations/", oci::kAgentAnnotation);
}

// Without one every call is allowed. A filter stops programs of architectures that it does not
// list, so it lists all that this machine runs.
Seccomp filter_of_nothing() {
    Seccomp filter;
    filter.default_action = SeccompAction::allow;
    const SeccompArch native = seccomp::native_arch();
    filter.architectures = {native};
    if (native == SeccompArch::x86_64) {
        filter.architectures.insert(filter.architectures.end(),
                                    {SeccompArch::x86, SeccompArch::x32});
    }
    if (native == SeccompArch::aarch64) filter.architectures.push_back(SeccompArch::arm);
    return filter;
}

// What the agent leaves to the kernel is carried out as it is: so the agent may only get calls that
// the filter would let through. Returns "" if it would.
std::string why_forbidden(const Seccomp& filter, const std::string& name) {
    bool allowed = filter.default_action == SeccompAction::allow;
    for (std::size_t i = 0; i < filter.syscalls.size(); ++i) {
        const SeccompSyscall& rule = filter.syscalls[i];
        if (std::find(rule.names.begin(), rule.names.end(), name) == rule.names.end()) continue;
        if (rule.action != SeccompAction::allow) {
            return concat("/linux/seccomp/syscalls/", std::to_string(i), " does not simply allow");
        }
        allowed = allowed || rule.args.empty();
    }
    if (allowed) return {};
    return "/linux/seccomp does not allow: expected a rule without args that does";
}

void refuse_forbidden(const Seccomp& filter, const std::string& name) {
    const std::string why = why_forbidden(filter, name);
    if (!why.empty()) throw SpecError(pointer(), concat("asks for ", name, ", which ", why));
}

void take_out(Seccomp& filter, const std::string& name) {
    for (SeccompSyscall& rule : filter.syscalls) std::erase(rule.names, name);
}

void add_rule(Seccomp& filter, const std::string& name, SeccompAction action,
              std::vector<SeccompArg> args = {}) {
    filter.syscalls.push_back({{name}, action, {}, std::move(args)});
}

void notify_of(Seccomp& filter, const std::string& name) {
    refuse_forbidden(filter, name);
    take_out(filter, name);
    add_rule(filter, name, SeccompAction::notify);
}

// Only of devices: S_IFCHR and S_IFBLK, and no other type, have the middle one of three bits alone.
void notify_of_devices(Seccomp& filter, const std::string& name, std::uint32_t mode_index) {
    // inode(7); with them S_IFCHR is 0020000, S_IFBLK 0060000.
    constexpr std::uint64_t kHigh = 0100000;
    constexpr std::uint64_t kMiddle = 0020000;
    constexpr std::uint64_t kLow = 0010000;
    refuse_forbidden(filter, name);
    take_out(filter, name);
    const auto mode = [&](std::uint64_t mask, std::uint64_t value) {
        return std::vector<SeccompArg>{{mode_index, mask, value, SeccompOperator::masked_eq}};
    };
    add_rule(filter, name, SeccompAction::notify, mode(kHigh | kMiddle | kLow, kMiddle));
    add_rule(filter, name, SeccompAction::allow, mode(kHigh, kHigh));
    add_rule(filter, name, SeccompAction::allow, mode(kMiddle, 0));
    add_rule(filter, name, SeccompAction::allow, mode(kLow, kLow));
}

void notify_of(Seccomp& filter, AgentCall call) {
    switch (call) {
        case AgentCall::mknod:
            notify_of_devices(filter, "mknod", 1);
            return notify_of_devices(filter, "mknodat", 2);
        case AgentCall::setxattr:
            notify_of(filter, "setxattr");
            notify_of(filter, "lsetxattr");
            return notify_of(filter, "fsetxattr");
        case AgentCall::sysinfo:
            return notify_of(filter, "sysinfo");
        case AgentCall::mount:
            // Where the filter refuses it, it is as good as unknown.
            if (why_forbidden(filter, "fsopen").empty()) notify_of(filter, "fsopen");
            return notify_of(filter, "mount");
        case AgentCall::sched_setscheduler:
            return notify_of(filter, "sched_setscheduler");
    }
}

// Otherwise any signal interrupts a call that the agent is about to carry out, and the kernel makes
// it again: the second mknod(2) finds the file that the first one has made.
void wait_for_answer(Seccomp& filter) {
    using oci::SeccompFlag;
    // Since Linux 5.19.
    if (!seccomp::kernel_knows(static_cast<std::uint32_t>(SeccompFlag::wait_killable_recv))) return;
    // What other flags mean that are not given: seccomp/compile.cpp.
    if (!filter.flags) filter.flags = {SeccompFlag::spec_allow};
    auto& flags = *filter.flags;
    if (std::find(flags.begin(), flags.end(), SeccompFlag::wait_killable_recv) == flags.end()) {
        flags.push_back(SeccompFlag::wait_killable_recv);
    }
}

}  // namespace

std::optional<Seccomp> filter_with_agent(const oci::Spec& spec, const Host& host) {
    std::optional<Seccomp> filter;
    if (spec.linux_) filter = spec.linux_->seccomp;
    const auto calls = oci::agent_calls(spec.annotations);
    if (calls.empty()) return filter;
    if (host.ordinary_user) {
        throw SpecError(pointer(), "lxcri-agent serves containers of root alone");
    }
    if (host.options.agent_socket.empty()) {
        throw SpecError(pointer(), "the setting agentSocket is empty: expected a path");
    }
    if (!filter) filter = filter_of_nothing();
    if (filter->listener_path && *filter->listener_path != host.options.agent_socket) {
        throw SpecError(pointer(), concat("/linux/seccomp/listenerPath names another agent, ",
                                          in_quotes(*filter->listener_path),
                                          ", than the setting "
                                          "agentSocket, ",
                                          in_quotes(host.options.agent_socket)));
    }
    filter->listener_path = host.options.agent_socket;
    for (const AgentCall call : calls) notify_of(*filter, call);
    wait_for_answer(*filter);
    return filter;
}

}  // namespace lxcri::translate
