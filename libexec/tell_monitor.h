#pragma once
// A word to the kept monitor of another container, whose socket is in a network namespace of its
// own (command_socket.h).

#include <string>

namespace lxcri::libexec {

// What has happened to the processes of the container.
enum class Told { frozen, thawed };

// Tells the monitor of the container `id`, so that the tools of LXC report it. Descriptors:
// handoff::kMonitorNetworkFd, the namespace of the socket, and for an ordinary user
// handoff::kMonitorUserFd, the user namespace that it belongs to. Throws Error if liblxc fails.
void tell_monitor(Told told, const std::string& id, const std::string& runtime_root);

}  // namespace lxcri::libexec
