#pragma once

namespace lxcri::hooks {

// A new network namespace has one interface, "lo", and it is down (netdevice(7)).
void bring_loopback_up();

}  // namespace lxcri::hooks
