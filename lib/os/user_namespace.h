#pragma once
// User namespaces: user_namespaces(7).

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::os {

// Makes an empty user namespace. `write_maps` is called with the pid of a process that is
// in it meanwhile, for /proc/PID/uid_map and gid_map.
UniqueFd make_user_namespace(const std::function<void(pid_t)>& write_maps);

// The sysctl that forbids to make namespaces of these types ("user pid net"), with its value.
// Returns "" if there is none.
std::string forbidding_sysctl(std::string_view types);

// [inside, inside + size) of a user namespace is [outside, outside + size) of another one.
struct IdRange {
    std::uint32_t inside = 0;
    std::uint32_t outside = 0;
    std::uint32_t size = 0;
};
// /proc/PID/uid_map, gid_map.
std::vector<IdRange> parse_id_map(std::string_view text);

struct IdMaps {
    std::vector<IdRange> uids;
    std::vector<IdRange> gids;
};
// Those of this user namespace; outside is where this process is. Needs the privilege to join it.
IdMaps read_id_maps(int user_namespace);

// The user of this process, with its ID outside its user namespace.
struct OuterUser {
    uid_t uid = 0;
    bool initial_namespace = true;  // there is no outside
};
OuterUser find_outer_user();

}  // namespace lxcri::os
