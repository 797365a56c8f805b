#pragma once
#include <string>
#include <vector>

namespace lxcri::os {

// The names in the directory, without "." and "..", in no certain order. Throws SystemError.
std::vector<std::string> entry_names(int dir_fd);
// Those that are directories, links to directories not among them.
std::vector<std::string> directory_names(int dir_fd);

// The path below the working directory, unless it is absolute. It need not exist.
std::string absolute_path(const std::string& path);

}  // namespace lxcri::os
