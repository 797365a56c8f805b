#pragma once
// Messages with descriptors over AF_UNIX (unix(7)).

#include <sys/types.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::os {

struct Message {
    std::string data;
    std::vector<UniqueFd> fds;
    pid_t sender = 0;  // as the kernel tells, in our pid namespace; needs accept_credentials()
};

// The kernel takes at most this many descriptors in one message (SCM_MAX_FD is 253).
inline constexpr std::size_t kMaxMessageFds = 64;

// Two connected SOCK_SEQPACKET sockets: message boundaries hold, and a closed peer is EOF.
std::pair<UniqueFd, UniqueFd> make_seqpacket_pair();

// Connects to the stream socket at `path`, which may be longer than sun_path. A send to it waits 10
// seconds for a reader, then throws SystemError(EAGAIN).
UniqueFd connect_stream(const std::string& path);

// The same for a datagram socket; "@NAME" is one in the abstract namespace (unix(7)).
UniqueFd connect_datagram(const std::string& path);

// From now on received messages carry the sender's pid (SO_PASSCRED).
void accept_credentials(int socket);

enum class WhenFull { wait, give_up };
// One message. With WhenFull::give_up, returns false if the peer's queue is full. Throws
// SystemError(EPIPE) if the peer has gone; never raises SIGPIPE.
bool send_message(int socket, std::string_view data, std::span<const int> fds,
                  WhenFull when_full = WhenFull::wait);

// One message. Returns nullopt at EOF. Received descriptors are O_CLOEXEC.
std::optional<Message> receive_message(int socket, std::size_t limit = 256U << 10U);

}  // namespace lxcri::os
