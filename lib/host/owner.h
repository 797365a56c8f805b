#pragma once

#include <sys/types.h>

#include <string>

namespace lxcri::host {

// The name of the user in /etc/passwd, or the number: `lxcri` is static and cannot ask NSS.
std::string owner_name(uid_t uid);

}  // namespace lxcri::host
