#pragma once
// The helper programs that `lxcri` starts.

#include <string>
#include <string_view>

#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::helpers {

// The path of a helper. Throws Error with all places that were tried if it cannot be executed.
std::string find_helper(const settings::Options& options, const char* name);

// One that can be seen in the container (/proc/PID/exe): `path` as something that no one in there
// can change (CVE-2019-5736), a read-only mount that is attached nowhere. Where mounting is not
// allowed, a sealed copy in memory, or the file itself where it belongs to others and this user may
// not write to it. To be executed with execveat(2).
os::UniqueFd open_helper_image(const std::string& path);

// The container's first program. There are two files with the same content, because the file's mode
// decides who may trace its processes: if the user may not read the program, its memory belongs to
// the host, and no process in a user namespace can read it (ptrace(2)). This protects the
// containers of the host's root. But an ordinary user must reach the namespaces of their own
// created container (Podman's networks, `exec`), with no other privilege than being the owner of
// its user namespace: their program is readable.
const char* init_program();

}  // namespace lxcri::helpers
