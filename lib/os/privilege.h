#pragma once
// What the user of this process is: user_namespaces(7).

namespace lxcri::os {

// An ordinary user: not root, not even of a user namespace.
bool is_ordinary_user();

// Root in the initial user namespace.
bool is_host_root();

}  // namespace lxcri::os
