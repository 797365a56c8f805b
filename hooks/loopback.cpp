#include "loopback.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "os/check.h"
#include "os/unique_fd.h"

namespace lxcri::hooks {

void bring_loopback_up() {
    // AF_UNIX sockets take the interface ioctls too, and exist where IPv4 does not.
    const os::UniqueFd socket(os::check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    os::check(::ioctl(socket.get(), SIOCGIFFLAGS, &request), "ioctl SIOCGIFFLAGS", "lo");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    os::check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "ioctl SIOCSIFFLAGS", "lo");
}

}  // namespace lxcri::hooks
