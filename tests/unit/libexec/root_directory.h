#pragma once
// A root directory for the steps of a process, in which they are at home: lxcri-init and lxcri-exec
// work after pivot_root.

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "libexec/process_steps.h"
#include "os/check.h"
#include "unit/os/in_namespaces.h"
#include "unit/os/temp_dir.h"

namespace lxcri::test {

namespace fs = std::filesystem;

inline void put_program(const fs::path& path, fs::perms permissions) {
    put_file(path, "#!/bin/nothing\n");
    fs::permissions(path, permissions);
}

// Runs `action` as root of a user namespace, with the directory as its root.
template <class Action>
std::string inside(const fs::path& root, Action&& action) {
    return in_user_namespace([&] {
        os::check(::chroot(root.c_str()), "chroot");
        os::check(::chdir("/"), "chdir");
        return action();
    });
}

}  // namespace lxcri::test
