// lxcri-hook: what liblxc runs as its hooks. lxcri-start normally runs the mount hook by itself
// (libexec/liblxc_calls.cpp); this program is there for a liblxc that does not let it. And what
// `lxcri mounts` and `lxcri devices` start: "lxcri-hook plug".

#include <cstdlib>
#include <string_view>

#include "mount_hook.h"
#include "plug.h"

namespace {

std::string_view environment(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

int main(int argc, char** argv) {
    // liblxc gives no arguments, or more.
    if (argc == 2 && argv[1] == std::string_view("plug")) return lxcri::hooks::run_plug();
    // liblxc 5.0 starts a container again whose process died of SIGHUP; a failing post-stop hook is
    // the only way to say no (P3).
    if (environment("LXC_HOOK_TYPE") == "post-stop") {
        return environment("LXC_TARGET") == "reboot" ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    return lxcri::hooks::run_mount_hook();
}
