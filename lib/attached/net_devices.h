#pragma once
// runtime-spec config-linux.md "Network Devices": devices of the runtime's network namespace become
// those of the container's. They stay there: at the end of the namespace the kernel moves physical
// ones back and destroys virtual ones. But a `create` that fails gives them back as they
// were.

#include <functional>
#include <string>
#include <vector>

#include "os/network_device.h"
#include "translate/plan.h"

namespace lxcri::attached {

class NetDevices {
  public:
    // The network namespace of the process `pid`, which waits for us meanwhile.
    explicit NetDevices(pid_t pid);

    // Moves all, or throws; whatever has happened, give_back() puts it right.
    void move(const std::vector<translate::NetDeviceMove>& devices);
    // Works also after all processes of the container have ended. `warn` gets each failure.
    void give_back(const std::function<void(std::string_view)>& warn) noexcept;

  private:
    struct Moved {
        os::NetworkDevice before;
        int index = 0;  // in the container
        std::vector<os::NetworkAddress> addresses;
    };

    Moved look_at(const translate::NetDeviceMove& device);
    void move_one(const translate::NetDeviceMove& device, Moved moved);
    void give_back_one(const Moved& moved);

    os::UniqueFd own_namespace_;
    os::UniqueFd namespace_;  // keeps it, and what is in it, in being
    os::NetlinkSocket own_;
    os::NetlinkSocket inside_;
    std::vector<Moved> moved_;
};

}  // namespace lxcri::attached
