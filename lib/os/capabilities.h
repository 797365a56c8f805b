#pragma once
// The capability sets of this thread: capget(2), capset(2). Bit n is capability n.

#include <cstdint>

namespace lxcri::os {

struct Capabilities {
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
};

Capabilities own_capabilities();
// The kernel leaves out those that it does not know, without an error.
void set_own_capabilities(const Capabilities& sets);

}  // namespace lxcri::os
