#pragma once
// liblxc's command socket, `@ROOT/ID/command`. A process that connects to it as root of liblxc's
// user namespace can stop the container and get descriptors of it; a process that takes the name
// first keeps the container from starting. An abstract name is open to all processes in a network
// namespace, and a container can share that of the caller. So there is no such socket, unless the
// monitor is kept; then it is alone in a network namespace without processes.

#include <sys/socket.h>

#include "os/unique_fd.h"

namespace lxcri::libexec {

// What liblxc gets in the place of its socket if the monitor is not kept: a descriptor that can be
// waited for and never becomes readable. No process can connect to it.
os::UniqueFd make_silent_descriptor();

// With a kept monitor: a socket that has no name yet, in a new network namespace, which this
// process keeps open as handoff::kCommandNetworkFd: the administrator's way to it, with
// `nsenter --net=/proc/PID/fd/5`. We stay where we are.
os::UniqueFd make_socket_in_network_of_its_own();

}  // namespace lxcri::libexec
