#pragma once
// What liblxc_calls.cpp is told: see there.

#include <vector>

namespace lxcri::libexec {

// With the user namespace these are joined, too, before it.
void join_before_user_namespace(std::vector<int> namespaces);

}  // namespace lxcri::libexec
