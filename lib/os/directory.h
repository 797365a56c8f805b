#pragma once
#include <string>
#include <vector>

namespace lxcri::os {

// The names in the directory, without "." and "..", in no certain order. SystemError.
std::vector<std::string> entry_names(int dir_fd);

}  // namespace lxcri::os
