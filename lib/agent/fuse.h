#pragma once
// mount(2) of a file system that a program of the container's image serves, with FUSE, instead of
// the kernel: no code of the host reads what the container has written to the device.

#include <string>

#include "agent/answer.h"
#include "agent/caller.h"

namespace lxcri::agent {

// What mount(2) was given, copied.
struct MountCall {
    std::string source;
    std::string target;
    unsigned long flags = 0;
    std::string data;
};

// The options of the file system itself are those that the administrator names. SystemError(EPERM).
void check_options(const std::string& data, const Filesystem& filesystem);

Answer answer_fuse_mount(const Caller& caller, const Filesystem& filesystem, const MountCall& call,
                         int held);

}  // namespace lxcri::agent
