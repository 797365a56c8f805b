#pragma once
// The sockets of the caller that get a descriptor: --console-socket and --pidfd-socket. Connected
// before anything is made, so that a wrong path costs nothing.

#include <optional>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace lxcri::attached {

class CallerSocket {
  public:
    // Returns nullopt for an empty path. `option`: its name, for errors.
    static std::optional<CallerSocket> connect(const std::string& path, const std::string& option);

    // One message with one descriptor, as runc sends it: the terminal's name and its master, or
    // "standard" (create) or "setns" (exec) and the pidfd.
    void send(std::string_view text, int fd) const;

  private:
    CallerSocket(os::UniqueFd socket, std::string option)
        : socket_(std::move(socket)), option_(std::move(option)) {}
    os::UniqueFd socket_;
    std::string option_;
};

}  // namespace lxcri::attached
