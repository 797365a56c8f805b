#pragma once
// NOTIFY_SOCKET: sd_notify(3) of a service manager above us. The container has a socket of its own
// for it, in a directory of the container directory that is mounted at /run/notify; that the
// container process is ready is passed on, and nothing else.

#include <sys/types.h>

#include <optional>
#include <string>

#include "os/process.h"
#include "os/unique_fd.h"
#include "settings/options.h"

namespace lxcri::attached {

// Of the socket, in the container directory.
inline constexpr const char* kNotifyDirectory = "notify";

class NotifySocket {
  public:
    // `create`: makes the directory that is to be mounted; its path.
    static std::string make_directory(int container_dir_fd, const std::string& container_dir);

    // Before the container process begins. Returns nullopt if no manager listens (`manager` is
    // ""), if `create` has made no directory, and, with a warning, if the manager cannot be
    // reached: the variable may be left over from another program's start.
    static std::optional<NotifySocket> listen(int container_dir_fd,
                                              const settings::Options& options);

    int fd() const noexcept { return socket_.get(); }
    // Takes what is there. Returns true if a message was the first one that says READY=1: that has
    // been passed on, all else is dropped. Never waits for the manager. `main_pid`: the pid to tell
    // with it; 0: none.
    bool relay(pid_t main_pid);
    // Until the container process is ready and the manager knows, or it has ended.
    void relay_until_ready(const os::ProcessRef& init, pid_t main_pid);

  private:
    NotifySocket(os::UniqueFd socket, os::UniqueFd manager)
        : socket_(std::move(socket)), manager_(std::move(manager)) {}
    os::UniqueFd socket_;
    os::UniqueFd manager_;  // connected
    bool told_ = false;
};

}  // namespace lxcri::attached
