#include "defaults.h"

#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/error.h"
#include "base/strings.h"
#include "os/user_namespace.h"

namespace lxcri::cmd {

namespace {

// /run belongs to root of the host, and not to the root of another user namespace.
std::string default_root() {
    const std::string runtime_dir = environment("XDG_RUNTIME_DIR");
    const bool is_root = ::geteuid() == 0;
    // Root mostly has none: then nothing needs to be read to know.
    if (is_root && (runtime_dir.empty() || os::find_outer_user().initial_namespace)) {
        return "/run/lxcri";
    }
    if (!runtime_dir.empty()) return concat(runtime_dir, "/lxcri");
    return concat("/run/user/", std::to_string(::geteuid()), "/lxcri");
}

// PREFIX/libexec/lxcri for PREFIX/bin/lxcri: an installed tree can be moved. No PATH is needed.
std::string libexec_dir_beside() {
    std::string path(PATH_MAX, '\0');
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length == -1 && errno == ENOENT) {
        throw Error("a procfs on /proc is required, but there is none (/proc/self/exe)");
    }
    if (length <= 0) throw SystemError(errno, "readlink", "/proc/self/exe");
    path.resize(static_cast<std::size_t>(length));
    const auto bin = path.rfind('/');
    const auto prefix = bin == 0 ? bin : path.rfind('/', bin - 1);
    return concat(path.substr(0, prefix), "/libexec/lxcri");
}

}  // namespace

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? "" : value;
}

// This program alone may have been copied, or bound, to another place: then the others are still
// where they were installed.
std::string default_libexec_dir() {
    std::string installed = installed_libexec_dir();
    std::string beside = libexec_dir_beside();
    if (::access(beside.c_str(), F_OK) == 0 || ::access(installed.c_str(), F_OK) != 0) {
        return beside;
    }
    return installed;
}

std::string installed_libexec_dir() {
    return LXCRI_INSTALLED_LIBEXEC;
}

settings::Options built_in_options() {
    settings::Options options;
    options.root = default_root();
    options.libexec_dir = default_libexec_dir();
    return options;
}

}  // namespace lxcri::cmd
