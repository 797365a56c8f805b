#pragma once
// A network namespace for one test: this process, and what it starts, is in it until the end. The
// machine's own devices are out of reach then.

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "os/unique_fd.h"

namespace lxcri::test {

class OwnNetwork {
  public:
    OwnNetwork();
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;
    ~OwnNetwork();

  private:
    os::UniqueFd before_;
};

// `ip ARGUMENTS...` in the namespace we are in; required to succeed.
void ip(const std::string& arguments);
// The same in the network namespace of a process.
void ip_in(pid_t pid, const std::string& arguments);

// What `ip address` knows of a device. Returns nullopt if there is none.
std::optional<nlohmann::json> find_device(const std::string& name);
std::optional<nlohmann::json> find_device_in(pid_t pid, const std::string& name);
// "10.0.0.1/24 fd00::1/64": its global addresses in the kernel's order.
std::string global_addresses(const nlohmann::json& device);
bool is_up(const nlohmann::json& device);

// Returns nullopt if devices of the kind ("dummy", "veth") can be made here.
std::optional<std::string> need_device_kind(const std::string& kind);

}  // namespace lxcri::test
