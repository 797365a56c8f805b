#include <filesystem>

#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

void remove_tree_at(int dir_fd, const std::string& name) {
    std::error_code error;
    std::filesystem::remove_all("/proc/self/fd/" + std::to_string(dir_fd) + "/" + name, error);
    if (error) throw SystemError(error.value(), "remove", name);
}

}  // namespace lxcri::os
