#include "agent/call.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/enum_table.h"
#include "seccomp/syscalls.h"

namespace lxcri::agent {

namespace {

using oci::AgentCall;

constexpr std::array<Named<SystemCall>, 9> kSystemCalls{{
    {"mknod", SystemCall::mknod},
    {"mknodat", SystemCall::mknodat},
    {"setxattr", SystemCall::setxattr},
    {"lsetxattr", SystemCall::lsetxattr},
    {"fsetxattr", SystemCall::fsetxattr},
    {"sysinfo", SystemCall::sysinfo},
    {"mount", SystemCall::mount},
    {"fsopen", SystemCall::fsopen},
    {"sched_setscheduler", SystemCall::sched_setscheduler},
}};

struct KnownNumber {
    std::uint32_t audit_arch;
    std::uint32_t number;  // with the bit of x32
    Call call;
};

void add_numbers(std::vector<KnownNumber>& known, oci::SeccompArch arch,
                 const seccomp::ArchTraits& traits) {
    const bool is_native = arch == seccomp::native_arch();
    for (const auto& row : kSystemCalls) {
        const auto index = seccomp::find_syscall(row.name);
        if (!index) continue;
        for (const auto& numbered : traits.numbers) {
            if (numbered.syscall != *index) continue;
            known.push_back({traits.audit_arch, numbered.number, {row.value, !is_native}});
        }
    }
}

const std::vector<KnownNumber>& known_numbers() {
    static const std::vector<KnownNumber> numbers = [] {
        std::vector<KnownNumber> known;
        for (const auto& row : oci::kSeccompArchs) {
            if (const auto traits = seccomp::find_arch(row.value)) {
                add_numbers(known, row.value, *traits);
            }
        }
        return known;
    }();
    return numbers;
}

}  // namespace

std::string_view name_of(SystemCall call) {
    return lxcri::name_of(kSystemCalls, call);
}

AgentCall family_of(SystemCall call) {
    switch (call) {
        case SystemCall::mknod:
        case SystemCall::mknodat:
            return AgentCall::mknod;
        case SystemCall::setxattr:
        case SystemCall::lsetxattr:
        case SystemCall::fsetxattr:
            return AgentCall::setxattr;
        case SystemCall::sysinfo:
            return AgentCall::sysinfo;
        case SystemCall::mount:
        case SystemCall::fsopen:
            return AgentCall::mount;
        case SystemCall::sched_setscheduler:
            return AgentCall::sched_setscheduler;
    }
    return AgentCall::mount;
}

std::optional<Call> find_call(const seccomp_data& data) {
    const auto& known = known_numbers();
    const auto found = std::find_if(known.begin(), known.end(), [&](const KnownNumber& row) {
        return row.audit_arch == data.arch && row.number == static_cast<std::uint32_t>(data.nr);
    });
    if (found == known.end()) return {};
    return found->call;
}

Device decode_device(std::uint32_t device) {
    return {(device >> 8U) & 0xfffU, (device & 0xffU) | ((device >> 12U) & 0xfff00U)};
}

bool is_harmless(std::uint32_t mode, const Device& device) {
    if ((mode & S_IFMT) != S_IFCHR) return false;
    constexpr std::array<Device, 7> kHarmless{
        {{0, 0}, {1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}}};
    return std::any_of(kHarmless.begin(), kHarmless.end(), [&](const Device& row) {
        return row.major == device.major && row.minor == device.minor;
    });
}

bool is_harmless_attribute(std::string_view name) {
    constexpr std::string_view kPrefix = "trusted.overlay.";
    if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) return false;
    // Not those that let overlayfs take content, or the check of it, from elsewhere in its layers,
    // and none that a later kernel adds. "origin" leads to the inode number of another file alone.
    constexpr std::array<std::string_view, 6> kHarmless{"opaque", "whiteout", "origin",
                                                        "impure", "nlink",    "uuid"};
    name.remove_prefix(kPrefix.size());
    // "trusted.overlay.overlay.redirect" is one for an overlayfs inside of another one.
    constexpr std::string_view kEscape = "overlay.";
    while (name.starts_with(kEscape)) name.remove_prefix(kEscape.size());
    return std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end();
}

}  // namespace lxcri::agent
