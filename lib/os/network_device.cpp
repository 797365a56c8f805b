#include "os/network_device.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/strings.h"
#include "os/check.h"

namespace lxcri::os {

namespace {

NetworkDevice device_of(const NetlinkMessage& message) {
    const auto header = message.header<ifinfomsg>();
    NetworkDevice device;
    device.index = header.ifi_index;
    device.up = (header.ifi_flags & static_cast<unsigned>(IFF_UP)) != 0;
    if (const auto* name = message.find(IFLA_IFNAME)) device.name = name->text();
    return device;
}

std::optional<NetworkDevice> find(NetlinkSocket& socket, const NetlinkMessage& request,
                                  const std::string& operand) {
    std::vector<NetlinkMessage> answers;
    const int error = socket.request(request, &answers, sizeof(ifinfomsg));
    if (error == ENODEV) return {};
    if (error != 0) throw SystemError(error, "look for the network device", operand);
    if (answers.empty()) throw Error("the kernel does not say what a network device is");
    return device_of(answers.front());
}

// By the kernel, in each network namespace.
constexpr std::uint32_t kFoundOutAgain = IFA_F_TENTATIVE | IFA_F_DADFAILED;

std::uint32_t flags_of(const NetlinkMessage& address) {
    const auto* flags = address.find(IFA_FLAGS);
    return flags != nullptr ? flags->number() : address.header<ifaddrmsg>().ifa_flags;
}

// "eth0" and "eth0:1" belong to eth0, "eth01" does not.
bool is_label_of(const std::string& name, const std::string& label) {
    return label.starts_with(name) && (label.size() == name.size() || label[name.size()] == ':');
}

}  // namespace

std::optional<NetworkDevice> find_device(NetlinkSocket& socket, const std::string& name) {
    NetlinkMessage request(RTM_GETLINK, 0, ifinfomsg{});
    request.add_text(IFLA_IFNAME, name);
    return find(socket, request, name);
}

std::optional<NetworkDevice> find_device(NetlinkSocket& socket, int index) {
    ifinfomsg header{};
    header.ifi_index = index;
    return find(socket, NetlinkMessage(RTM_GETLINK, 0, header), std::to_string(index));
}

int find_free_index(NetlinkSocket& socket, int wanted) {
    std::vector<NetlinkMessage> answers;
    const int error = socket.request(NetlinkMessage(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), &answers,
                                     sizeof(ifinfomsg));
    if (error != 0) throw SystemError(error, "list the network devices");
    int last = 0;
    bool taken = false;
    for (const auto& answer : answers) {
        const int index = answer.header<ifinfomsg>().ifi_index;
        taken = taken || index == wanted;
        last = std::max(last, index);
    }
    return taken ? last + 1 : wanted;
}

std::vector<NetworkAddress> permanent_addresses(NetlinkSocket& socket, int index) {
    std::vector<NetlinkMessage> answers;
    const int error = socket.request(NetlinkMessage(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), &answers,
                                     sizeof(ifaddrmsg));
    if (error != 0) throw SystemError(error, "list the network addresses");
    std::vector<NetworkAddress> found;
    for (const auto& answer : answers) {
        const auto header = answer.header<ifaddrmsg>();
        const bool permanent = (flags_of(answer) & IFA_F_PERMANENT) != 0;
        if (header.ifa_index != static_cast<unsigned>(index) || !permanent ||
            header.ifa_scope != RT_SCOPE_UNIVERSE) {
            continue;
        }
        found.push_back({header, answer.attributes()});
    }
    return found;
}

void add_address(NetlinkSocket& socket, const NetworkDevice& device, const std::string& old_name,
                 const NetworkAddress& address) {
    ifaddrmsg header = address.header;
    header.ifa_index = static_cast<unsigned>(device.index);
    NetlinkMessage request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header);
    for (const auto& attribute : address.attributes) {
        switch (attribute.type) {
            case IFA_FLAGS:
                request.add_number(IFA_FLAGS, attribute.number() & ~kFoundOutAgain);
                break;
            case IFA_LABEL: {
                std::string label = attribute.text();
                if (is_label_of(old_name, label)) {
                    label.replace(0, old_name.size(), device.name);
                }
                // Too long now: the kernel calls it as the device.
                if (label.size() < IFNAMSIZ) request.add_text(IFA_LABEL, label);
                break;
            }
            default:
                request.add(attribute.type, attribute.value);
        }
    }
    const int error = socket.request(request);
    if (error != 0) throw SystemError(error, "give its address to the network device", device.name);
}

void move_device(NetlinkSocket& socket, int index, int namespace_fd, const std::string& new_name,
                 int new_index) {
    ifinfomsg header{};
    header.ifi_index = index;
    NetlinkMessage request(RTM_SETLINK, 0, header);
    request.add_number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(namespace_fd));
    request.add_text(IFLA_IFNAME, new_name);
    request.add_number(IFLA_NEW_IFINDEX, static_cast<std::uint32_t>(new_index));
    const int error = socket.request(request);
    if (error != 0) throw SystemError(error, "move the network device to be", new_name);
}

void bring_device_up(NetlinkSocket& socket, const NetworkDevice& device) {
    ifinfomsg header{};
    header.ifi_index = device.index;
    header.ifi_change = IFF_UP;
    header.ifi_flags = IFF_UP;
    const int error = socket.request(NetlinkMessage(RTM_NEWLINK, 0, header));
    if (error != 0) throw SystemError(error, "bring up the network device", device.name);
}

}  // namespace lxcri::os
