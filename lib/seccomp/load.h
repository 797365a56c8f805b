#pragma once
// Puts a filter on. All that lxcri-init needs of lib/seccomp: no libseccomp, no profile.

#include <cstdint>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::seccomp {

// seccomp(2) for the calling thread, whether or not other filters confine it already: the kernel
// asks them all and takes the strictest answer. The caller has no_new_privs set, or CAP_SYS_ADMIN
// in its user namespace; EACCES otherwise.
//
// With SECCOMP_FILTER_FLAG_NEW_LISTENER in `flags` the result is the listener (O_CLOEXEC), else
// it is empty. From here on each system call is judged, also of those that hand the listener on:
// oci::validate() has made sure that the listener is not asked about write(2), and nothing else.
os::UniqueFd load(std::string_view program, std::uint32_t flags);

// Does the kernel know this SECCOMP_FILTER_FLAG_*?
bool kernel_knows(std::uint32_t flag);

}  // namespace lxcri::seccomp
