#pragma once
// /etc/passwd, which our static programs read themselves: they cannot ask NSS.

#include <cstdint>
#include <optional>
#include <string>

namespace lxcri::os {

struct User {
    std::string name;
    std::string home;  // "": none
};

// The first with this ID: passwd(5). Returns nullopt if there is none, or no such file.
std::optional<User> find_user(std::uint32_t uid);

}  // namespace lxcri::os
