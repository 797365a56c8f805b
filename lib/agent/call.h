#pragma once
// Which system call a process makes, as the kernel tells the agent: seccomp_unotify(2). Pure.

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "oci/agent.h"

namespace lxcri::agent {

// Every call that the agent knows.
enum class SystemCall {
    mknod,
    mknodat,
    setxattr,
    lsetxattr,
    fsetxattr,
    sysinfo,
    mount,
    fsopen,
    sched_setscheduler
};

std::string_view name_of(SystemCall call);
oci::AgentCall family_of(SystemCall call);

struct Call {
    SystemCall which;
    bool is_32_bit = false;  // of another architecture: its structures may look different
};
// Nullopt for a call that the agent does not know.
std::optional<Call> find_call(const seccomp_data& data);

// What mknod(2) takes, in the kernel's encoding of 32 bits.
struct Device {
    std::uint32_t major;
    std::uint32_t minor;
};
Device decode_device(std::uint32_t device);
// A character device that gives a container nothing that it does not have anyway: null, zero, full,
// random, urandom, tty; and the whiteout of overlayfs. Not console: that is the one of the host,
// which device rules allow by default.
bool is_harmless(std::uint32_t mode, const Device& device);

// Does only overlayfs of the host read it, and can it lead to no other file of a layer?
bool is_harmless_attribute(std::string_view name);

}  // namespace lxcri::agent
