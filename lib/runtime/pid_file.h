#pragma once
#include <sys/types.h>

#include <string>

namespace lxcri::runtime {

// --pid-file: the number and nothing else, atomically. SystemError.
void write_pid_file(const std::string& path, pid_t pid);

}  // namespace lxcri::runtime
