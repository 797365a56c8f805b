#pragma once
// Loads a filter. lxcri-init needs only this of lib/seccomp: no libseccomp, no profile.

#include <linux/seccomp.h>

#include <cstdint>
#include <string_view>

#include "os/unique_fd.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV  // Linux 5.19
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace lxcri::seccomp {

// seccomp(2) for the calling thread, whether or not other filters confine it already: the kernel
// asks them all and takes the strictest answer. The caller has no_new_privs set, or CAP_SYS_ADMIN
// in its user namespace; EACCES otherwise.
//
// With SECCOMP_FILTER_FLAG_NEW_LISTENER in `flags` the result is the listener (O_CLOEXEC), else
// it is empty. From here on the filter judges each system call, also those that hand the listener
// on: oci::validate() only makes sure that the filter does not ask the listener about write(2).
os::UniqueFd load(std::string_view program, std::uint32_t flags);

// Does the kernel know this SECCOMP_FILTER_FLAG_*?
bool kernel_knows(std::uint32_t flag);

}  // namespace lxcri::seccomp
