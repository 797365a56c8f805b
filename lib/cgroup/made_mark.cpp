#include "cgroup/made_mark.h"

#include <sys/xattr.h>

#include <array>

namespace lxcri::cgroup {

namespace {

// "trusted" needs CAP_SYS_ADMIN of the machine, and is the only kind that version 1 has; "user" is
// for user namespaces.
constexpr std::array kNames = {"trusted.lxcri.made", "user.lxcri.made"};

}  // namespace

void mark_as_made(const std::string& dir) {
    for (const char* name : kNames) {
        if (::setxattr(dir.c_str(), name, "1", 1, 0) == 0) return;
    }
}

bool is_marked_as_made(const std::string& dir) {
    for (const char* name : kNames) {
        if (::getxattr(dir.c_str(), name, nullptr, 0) >= 0) return true;
    }
    return false;
}

}  // namespace lxcri::cgroup
