// Calls that liblxc makes to the C library and that this program answers itself: the dynamic linker
// finds these functions first. Everything works without them too, only slower and less clean; they
// are the whole list.

#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "hooks/mount_hook.h"

namespace {

bool is_mount_hook(const std::vector<char*>& args) {
    constexpr std::size_t kCommand = 2;  // sh -c COMMAND
    constexpr std::size_t kCount = 4;    // with the null pointer
    if (args.size() != kCount || std::string_view(args[1]) != "-c") return false;
    const char* type = ::getenv("LXC_HOOK_TYPE");
    return std::string_view(args[kCommand]).ends_with("/lxcri-hook") && type != nullptr &&
           std::string_view(type) == "mount";
}

}  // namespace

// liblxc runs a hook by forking and then calling execl("/bin/sh", "sh", "-c", "exec PATH"). For our
// own mount hook this spares the shell and the program: the code is here already. Measured: 2.5 ms
// of 13 for the whole life of a container. It is also safer: the memory of this process belongs to
// the initial user namespace, so that no process of a container with a shared pid namespace can
// trace it; of an executed program that is not so. A liblxc that calls something else executes
// lxcri-hook, which does the same.
extern "C" __attribute__((visibility("default"))) int execl(const char* path, const char* arg0,
                                                            ...) noexcept {
    std::vector<char*> args{const_cast<char*>(arg0)};
    va_list list;
    va_start(list, arg0);
    while (args.back() != nullptr) args.push_back(va_arg(list, char*));
    va_end(list);
    if (is_mount_hook(args)) ::_exit(lxcri::hooks::run_mount_hook());
    return ::execv(path, args.data());
}

// liblxc makes the links of /dev in the directory that it has opened before the mount hook runs:
// the image's own (P41). The mount hook makes them where they belong. (Our code calls the kernel
// itself: os::try_make_symlink.)
extern "C" __attribute__((visibility("default"))) int symlinkat(const char* /*target*/,
                                                                int /*dir_fd*/,
                                                                const char* /*path*/) noexcept {
    return 0;
}
