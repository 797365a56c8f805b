#include "runtime/pid_file.h"

#include <fcntl.h>

#include "base/error.h"
#include "os/file.h"

namespace lxcri::runtime {

void write_pid_file(const std::string& path, pid_t pid) {
    const auto slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "."
                                  : slash == 0               ? "/"
                                                             : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const os::UniqueFd dir = os::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
    in_context("--pid-file", [&] { os::publish_at(dir.get(), name, std::to_string(pid), 0644); });
}

}  // namespace lxcri::runtime
