#pragma once
// liblxc's command socket, `@ROOT/ID/command`. Whoever connects to it as root of liblxc's user
// namespace can stop the container and get descriptors of it; and whoever has taken the name keeps
// the container from starting. An abstract name is open to all in one network namespace, and a
// container can share that of the caller. So there is no such socket, unless the monitor is kept;
// and then it is in a network namespace that has nothing else in it, and no process.

#include <sys/socket.h>

#include "os/unique_fd.h"

namespace lxcri::libexec {

// Where a kept monitor has the network namespace of its socket open. Documented: this number stays.
inline constexpr int kCommandNetworkFd = 5;

// What liblxc gets in the place of its socket when the monitor is not kept: something that can be
// waited for, and never has anything to say. Nobody could connect to it.
os::UniqueFd make_silent_descriptor();

// With a kept monitor: a socket that has no name yet, in a new network namespace, which this
// process keeps open as kCommandNetworkFd: the administrator's way to it, with
// `nsenter --net=/proc/PID/fd/5`. We stay where we are.
os::UniqueFd make_socket_in_network_of_its_own();

}  // namespace lxcri::libexec
