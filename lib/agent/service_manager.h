#pragma once
// What the agent has to do with systemd: sd_listen_fds(3), sd_notify(3), and the descriptors that
// it keeps for the next agent (FileDescriptorStoreMax= in systemd.service(5)).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::agent {

struct PassedFd {
    std::string name;
    os::UniqueFd fd;
};
// Those that the service manager has handed over, if the variables are for this process. They are
// taken out of the environment.
std::vector<PassedFd> take_passed_descriptors();

class ServiceManager {
  public:
    // `socket`: NOTIFY_SOCKET; "": there is none, and all of this does nothing.
    explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}

    void say_ready() const;
    // Keeps the descriptors under the name until they are forgotten. SystemError.
    void keep(const std::string& name, std::span<const int> fds) const;
    void forget(const std::string& name) const;

  private:
    void send(std::string_view text, std::span<const int> fds) const;

    std::string socket_;
};

}  // namespace lxcri::agent
