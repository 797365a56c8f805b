#pragma once
// Network devices of a namespace, by rtnetlink(7).

#include <linux/if_addr.h>

#include <optional>
#include <string>
#include <vector>

#include "os/netlink.h"

namespace lxcri::os {

struct NetworkDevice {
    int index = 0;
    std::string name;
    bool up = false;
};

std::optional<NetworkDevice> find_device(NetlinkSocket& socket, const std::string& name);
std::optional<NetworkDevice> find_device(NetlinkSocket& socket, int index);

// `wanted`, or where a device of this namespace has it a number that none has.
int find_free_index(NetlinkSocket& socket, int wanted);

// As the kernel has reported it, to be given back to it.
struct NetworkAddress {
    ifaddrmsg header{};
    std::vector<NetlinkAttribute> attributes;
};

// Those of global scope that have been set by hand: IFA_F_PERMANENT.
std::vector<NetworkAddress> permanent_addresses(NetlinkSocket& socket, int index);
// A label of IPv4 that begins with `old_name` begins with the new one then.
void add_address(NetlinkSocket& socket, const NetworkDevice& device, const std::string& old_name,
                 const NetworkAddress& address);

// From the namespace of `socket` to the other one, where it gets this name and index. What is on
// its way in it, its addresses and routes, the kernel forgets; and it is down then.
void move_device(NetlinkSocket& socket, int index, int namespace_fd, const std::string& new_name,
                 int new_index);
void bring_device_up(NetlinkSocket& socket, const NetworkDevice& device);

}  // namespace lxcri::os
