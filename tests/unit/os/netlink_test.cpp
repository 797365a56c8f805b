#include "os/netlink.h"

#include <linux/rtnetlink.h>

#include <cstring>

#include "base/error.h"
#include "os/network_device.h"
#include "support/catch.h"

using namespace lxcri;
using os::NetlinkMessage;

namespace {

std::span<const char> payload_of(const std::string& bytes) {
    return std::span(bytes).subspan(NLMSG_HDRLEN);
}

NetlinkMessage example() {
    ifinfomsg header{};
    header.ifi_index = 7;
    NetlinkMessage message(RTM_SETLINK, NLM_F_EXCL, header);
    message.add_text(IFLA_IFNAME, "eth0");
    message.add_number(IFLA_NEW_IFINDEX, 42);
    message.add(IFLA_ADDRESS, "\x01\x02\x03");
    return message;
}

}  // namespace

TEST_CASE("netlink: a message has its header, and attributes at multiples of four") {
    const std::string bytes = example().bytes(5);
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    CHECK(header.nlmsg_type == RTM_SETLINK);
    CHECK(header.nlmsg_flags == (NLM_F_REQUEST | NLM_F_ACK | NLM_F_EXCL));
    CHECK(header.nlmsg_seq == 5);
    // nlmsghdr, ifinfomsg, "eth0" with its NUL, a number, three bytes.
    CHECK(header.nlmsg_len == 16 + 16 + (4 + 5 + 3) + (4 + 4) + (4 + 3));
    CHECK(bytes.size() == NLMSG_ALIGN(header.nlmsg_len));
}

TEST_CASE("netlink: what was written is read") {
    const std::string bytes = example().bytes(1);
    const NetlinkMessage read(payload_of(bytes), sizeof(ifinfomsg));
    CHECK(read.header<ifinfomsg>().ifi_index == 7);
    REQUIRE(read.attributes().size() == 3);
    CHECK(read.find(IFLA_IFNAME)->text() == "eth0");
    CHECK(read.find(IFLA_NEW_IFINDEX)->number() == 42);
    CHECK(read.find(IFLA_ADDRESS)->value == "\x01\x02\x03");
    CHECK(read.find(IFLA_ADDRESS)->number() == 0);
    CHECK(read.find(IFLA_MTU) == nullptr);
}

TEST_CASE("netlink: an answer that is cut anywhere is read as far as it goes") {
    const std::string bytes = example().bytes(1);
    for (std::size_t length = 0; length <= bytes.size() - NLMSG_HDRLEN; ++length) {
        const std::string cut(bytes, NLMSG_HDRLEN, length);
        const NetlinkMessage read(cut, sizeof(ifinfomsg));
        CHECK(read.attributes().size() <= 3);
    }
}

TEST_CASE("netlink: lengths that cannot be end the answer") {
    for (const std::uint16_t length : std::initializer_list<std::uint16_t>{0, 1, 3, 200, 65535}) {
        std::string payload(sizeof(ifinfomsg), '\0');
        const rtattr attribute{length, IFLA_IFNAME};
        payload.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
        payload.append("eth0");
        CHECK(NetlinkMessage(payload, sizeof(ifinfomsg)).attributes().empty());
    }
}

TEST_CASE("netlink: the kernel answers") {
    os::NetlinkSocket socket;
    const auto loopback = os::find_device(socket, "lo");
    REQUIRE(loopback);
    CHECK(loopback->name == "lo");
    CHECK(os::find_device(socket, loopback->index)->name == "lo");
    CHECK_FALSE(os::find_device(socket, "not-there-0"));
    CHECK_FALSE(os::find_device(socket, 2000000000));
    CHECK(os::find_free_index(socket, 2000000000) == 2000000000);
    CHECK(os::find_free_index(socket, loopback->index) > loopback->index);
    // Those of lo have the scope of a host.
    CHECK(os::permanent_addresses(socket, loopback->index).empty());
}

TEST_CASE("netlink: a refusal is an errno") {
    os::NetlinkSocket socket;
    ifinfomsg header{};
    header.ifi_index = 2000000000;
    CHECK(socket.request(NetlinkMessage(RTM_GETLINK, 0, header)) == ENODEV);
    CHECK_THROWS_AS(os::move_device(socket, 2000000000, -1, "x", 3), SystemError);
}
