#pragma once
// rtnetlink(7): requests to one network namespace, and the kernel's answers. By hand: of what a
// library offers little is needed, and Debian's libmnl cannot be linked into a static program.

#include <linux/netlink.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::os {

struct NetlinkAttribute {
    std::uint16_t type = 0;
    std::string value;

    std::uint32_t number() const;  // 0 if it is not a number
    std::string text() const;      // without the NUL
};

// A request that is being written, or an answer that has been taken apart.
class NetlinkMessage {
  public:
    // `header`: the fixed part behind nlmsghdr, such as ifinfomsg.
    template <class Header>
    NetlinkMessage(std::uint16_t type, std::uint16_t flags, const Header& header)
        : type_(type), flags_(flags) {
        header_.assign(reinterpret_cast<const char*>(&header), sizeof header);
    }
    // An answer; `header_size`: of its fixed part.
    NetlinkMessage(std::span<const char> payload, std::size_t header_size);

    void add(std::uint16_t type, std::string_view value) {
        attributes_.push_back({type, std::string(value)});
    }
    void add_number(std::uint16_t type, std::uint32_t value);
    void add_text(std::uint16_t type, std::string_view text);

    std::uint16_t flags() const noexcept { return flags_; }
    std::string bytes(std::uint32_t sequence) const;
    template <class Header>
    Header header() const {
        Header result{};
        header_.copy(reinterpret_cast<char*>(&result), sizeof result);
        return result;
    }
    const std::vector<NetlinkAttribute>& attributes() const noexcept { return attributes_; }
    const NetlinkAttribute* find(std::uint16_t type) const;

  private:
    std::uint16_t type_ = 0;
    std::uint16_t flags_ = 0;
    std::string header_;
    std::vector<NetlinkAttribute> attributes_;
};

class NetlinkSocket {
  public:
    // To the network namespace that this process is in, or to another one.
    NetlinkSocket();
    explicit NetlinkSocket(int namespace_fd);

    // 0 or the errno with which the kernel has refused it. Answers, if any, are appended;
    // `header_size` is that of their fixed part.
    int request(const NetlinkMessage& message, std::vector<NetlinkMessage>* answers = nullptr,
                std::size_t header_size = 0);

  private:
    int read_answers(std::uint32_t sequence, std::vector<NetlinkMessage>* answers,
                     std::size_t header_size);

    UniqueFd socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace lxcri::os
