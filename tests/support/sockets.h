#pragma once
// Sockets that get what lxcri sends: messages, and the descriptors that come with them.

#include <filesystem>
#include <string>
#include <vector>

#include "os/unique_fd.h"
#include "support/stream.h"

namespace lxcri::test {

// What an engine gives as --console-socket (or --pidfd-socket).
class ReceivingSocket {
  public:
    explicit ReceivingSocket(std::filesystem::path path);
    const std::filesystem::path& path() const { return path_; }

    struct Message {
        std::string text;
        UniqueFd fd;
    };
    // The one message of the one connection; throws when there is no such.
    Message receive(milliseconds timeout = kDeadline);
    bool was_called();

  private:
    std::filesystem::path path_;
    UniqueFd socket_;
};

// The service manager's end of NOTIFY_SOCKET: sd_notify(3).
class NotifySocket {
  public:
    explicit NotifySocket(std::filesystem::path path);
    const std::filesystem::path& path() const { return path_; }
    std::string variable() const { return "NOTIFY_SOCKET=" + path_.string(); }

    struct Message {
        std::string text;
        std::vector<UniqueFd> fds;
    };
    Message receive(milliseconds timeout = kDeadline) const;
    bool has_message() const;

  private:
    std::filesystem::path path_;
    UniqueFd socket_;
};

}  // namespace lxcri::test
