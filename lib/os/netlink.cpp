#include "os/netlink.h"

#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>

#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

namespace {

UniqueFd open_socket() {
    return UniqueFd(
        check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket AF_NETLINK"));
}

// A socket belongs to the namespace in which it was made, for good. Only one thread exists, and it
// does nothing else meanwhile.
UniqueFd open_socket_in(int namespace_fd) {
    const UniqueFd own = open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY);
    check(::setns(namespace_fd, CLONE_NEWNET), "setns", "network namespace");
    UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    const int error = errno;
    // Whatever comes after would act on the wrong devices.
    if (::setns(own.get(), CLONE_NEWNET) == -1) std::terminate();
    if (!socket.valid()) throw SystemError(error, "socket AF_NETLINK");
    return socket;
}

template <class Object>
void append(std::string& bytes, const Object& object) {
    bytes.append(reinterpret_cast<const char*>(&object), sizeof object);
}

void align(std::string& bytes) {
    bytes.resize(NLMSG_ALIGN(bytes.size()), '\0');
}

}  // namespace

std::uint32_t NetlinkAttribute::number() const {
    std::uint32_t result = 0;
    if (value.size() == sizeof result) std::memcpy(&result, value.data(), sizeof result);
    return result;
}

std::string NetlinkAttribute::text() const {
    return value.substr(0, value.find('\0'));
}

NetlinkMessage::NetlinkMessage(std::span<const char> payload, std::size_t header_size) {
    header_.assign(payload.data(), std::min(header_size, payload.size()));
    auto rest = payload.subspan(std::min(NLMSG_ALIGN(header_size), payload.size()));
    while (rest.size() >= sizeof(rtattr)) {
        rtattr attribute{};
        std::memcpy(&attribute, rest.data(), sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) return;
        add(attribute.rta_type,
            {rest.data() + sizeof attribute, attribute.rta_len - sizeof attribute});
        rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
    }
}

void NetlinkMessage::add_number(std::uint16_t type, std::uint32_t value) {
    add(type, {reinterpret_cast<const char*>(&value), sizeof value});
}

void NetlinkMessage::add_text(std::uint16_t type, std::string_view text) {
    std::string value(text);
    value += '\0';
    add(type, value);
}

std::string NetlinkMessage::bytes(std::uint32_t sequence) const {
    std::string result(sizeof(nlmsghdr), '\0');
    result += header_;
    for (const auto& attribute : attributes_) {
        align(result);
        append(result, rtattr{static_cast<unsigned short>(RTA_LENGTH(attribute.value.size())),
                              attribute.type});
        result += attribute.value;
    }
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(result.size());
    header.nlmsg_type = type_;
    header.nlmsg_flags = flags_ | NLM_F_REQUEST | NLM_F_ACK;
    header.nlmsg_seq = sequence;
    std::memcpy(result.data(), &header, sizeof header);
    align(result);
    return result;
}

const NetlinkAttribute* NetlinkMessage::find(std::uint16_t type) const {
    const auto found = std::find_if(attributes_.begin(), attributes_.end(),
                                    [&](const auto& attribute) { return attribute.type == type; });
    return found == attributes_.end() ? nullptr : &*found;
}

NetlinkSocket::NetlinkSocket() : socket_(open_socket()) {}

NetlinkSocket::NetlinkSocket(int namespace_fd) : socket_(open_socket_in(namespace_fd)) {}

int NetlinkSocket::request(const NetlinkMessage& message, std::vector<NetlinkMessage>* answers,
                           std::size_t header_size) {
    const std::uint32_t sequence = ++sequence_;
    const std::string bytes = message.bytes(sequence);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const auto sent = retry([&] {
        return ::sendto(socket_.get(), bytes.data(), bytes.size(), 0,
                        reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    });
    check(sent, "send a request by netlink");
    return read_answers(sequence, answers, header_size);
}

int NetlinkSocket::read_answers(std::uint32_t sequence, std::vector<NetlinkMessage>* answers,
                                std::size_t header_size) {
    alignas(nlmsghdr) std::array<char, 65536> buffer{};  // the kernel's dumps have at most 32 KiB
    while (true) {
        sockaddr_nl sender{};
        socklen_t sender_size = sizeof sender;
        const auto received = retry([&] {
            return ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                              reinterpret_cast<sockaddr*>(&sender), &sender_size);
        });
        check(received, "receive an answer by netlink");
        // Root of the namespace, a container's for instance, may send us messages, too.
        if (sender.nl_pid != 0) continue;
        const auto size = static_cast<std::size_t>(received);
        if (size > buffer.size()) throw Error("an answer by netlink is too long");
        std::size_t at = 0;
        while (size - at >= sizeof(nlmsghdr)) {
            nlmsghdr header{};
            std::memcpy(&header, buffer.data() + at, sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at) break;
            const std::span<const char> payload(buffer.data() + at + NLMSG_HDRLEN,
                                                header.nlmsg_len - NLMSG_HDRLEN);
            at += std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), size - at);
            if (header.nlmsg_seq != sequence) continue;
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
                // Both begin with a negative errno or 0.
                int error = 0;
                if (payload.size() >= sizeof error) {
                    std::memcpy(&error, payload.data(), sizeof error);
                }
                return -error;
            }
            if (answers != nullptr) answers->emplace_back(payload, header_size);
        }
    }
}

}  // namespace lxcri::os
