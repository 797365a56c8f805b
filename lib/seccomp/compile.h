#pragma once
// linux.seccomp as a program for seccomp(2): runtime-spec config-linux.md "Seccomp". Done by
// `lxcri create`, once; lxcri-init only loads the result (load.h).
//
// libseccomp knows names and numbers, but does not write the program: that takes it several
// milliseconds for a usual profile, and the result is several times as long. A profile means the
// same as with libseccomp, and so with other runtimes; rules.h and sections.cpp name the odd
// cases.

#include <cstdint>
#include <string>
#include <vector>

#include "oci/seccomp.h"

namespace lxcri::seccomp {

struct Filter {
    std::string program;      // an array of sock_filter
    std::uint32_t flags = 0;  // SECCOMP_FILTER_FLAG_*

    // Does loading it give a listener, for `listenerPath`?
    bool notifies() const;
};

// The profile has passed oci::validate(). Unknown names of system calls are skipped with a warning
// each: the profile may be newer, or for another architecture. Throws SpecError for what this
// machine cannot do, and for a program longer than the kernel takes.
Filter compile(const oci::Seccomp& seccomp, std::vector<std::string>& warnings);

}  // namespace lxcri::seccomp
