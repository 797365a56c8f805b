#pragma once
// User namespaces: user_namespaces(7).

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::os {

// Makes a user namespace; nobody is in it. `write_maps` is called with the pid of a process that is
// in it meanwhile, for /proc/PID/uid_map and gid_map.
UniqueFd make_user_namespace(const std::function<void(pid_t)>& write_maps);

// The sysctl that forbids to make namespaces of these types ("user pid net"), with its value; ""
// when there is none.
std::string forbidding_sysctl(std::string_view types);

// The user of this process, as it is called outside its user namespace.
struct OuterUser {
    uid_t uid = 0;
    bool initial_namespace = true;  // there is no outside
};
OuterUser find_outer_user();

}  // namespace lxcri::os
