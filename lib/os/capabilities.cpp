#include "os/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "os/check.h"

namespace lxcri::os {

namespace {

// The kernel has each set in two halves of 32 bits.
using Halves = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
constexpr unsigned kHalfBits = 32;

}  // namespace

Capabilities own_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Halves halves{};
    check(::syscall(SYS_capget, &header, halves.data()), "capget");
    Capabilities sets;
    for (unsigned i = 0; i < halves.size(); ++i) {
        const unsigned shift = i * kHalfBits;
        sets.effective |= std::uint64_t{halves[i].effective} << shift;
        sets.permitted |= std::uint64_t{halves[i].permitted} << shift;
        sets.inheritable |= std::uint64_t{halves[i].inheritable} << shift;
    }
    return sets;
}

void set_own_capabilities(const Capabilities& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Halves halves{};
    for (unsigned i = 0; i < halves.size(); ++i) {
        const unsigned shift = i * kHalfBits;
        halves[i].effective = static_cast<__u32>(sets.effective >> shift);
        halves[i].permitted = static_cast<__u32>(sets.permitted >> shift);
        halves[i].inheritable = static_cast<__u32>(sets.inheritable >> shift);
    }
    check(::syscall(SYS_capset, &header, halves.data()), "capset");
}

}  // namespace lxcri::os
