#include "attached/caller_socket.h"

#include <array>

#include "base/error.h"
#include "os/unix_socket.h"

namespace lxcri::attached {

std::optional<CallerSocket> CallerSocket::connect(const std::string& path,
                                                  const std::string& option) {
    if (path.empty()) return {};
    return CallerSocket(in_context(option, [&] { return os::connect_stream(path); }), option);
}

void CallerSocket::send(std::string_view text, int fd) const {
    const std::array fds{fd};
    in_context(option_, [&] { os::send_message(socket_.get(), text, fds); });
}

}  // namespace lxcri::attached
