// setxattr(2), lsetxattr(2), fsetxattr(2): trusted.overlay.*, which takes CAP_SYS_ADMIN of the
// host. security.capability is left to the kernel: it writes the ID of the namespace's root beside
// the capabilities, so that they are none on the host (capabilities(7), "Namespaced file
// capabilities").
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <climits>

#include "agent/answer.h"
#include "agent/caller.h"
#include "agent/path.h"
#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"

namespace lxcri::agent {

namespace {

os::UniqueFd find_file(const Request& request, const Caller& caller) {
    if (request.call.which == SystemCall::fsetxattr) {
        return find_descriptor(caller, static_cast<int>(request.argument(0)));
    }
    const std::string path = caller.read_text(request.argument(0), PATH_MAX, ENAMETOOLONG);
    if (path.empty()) throw SystemError(ENOENT, "setxattr");
    return find_existing(
        caller, path,
        request.call.which == SystemCall::lsetxattr ? LastLink::open : LastLink::follow);
}

// Is it the container's own?
void check_owner(const Caller& caller, int file) {
    struct stat status {};
    os::check(::fstat(file, &status), "fstat");
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) throw SystemError(EPERM, "setxattr");
    const os::IdMaps maps = caller.id_maps();
    if (!has_outside_id(maps.uids, status.st_uid) || !has_outside_id(maps.gids, status.st_gid)) {
        throw SystemError(EPERM, "setxattr");
    }
}

}  // namespace

Answer answer_setxattr(const Request& request) {
    const Caller caller(request.listener, request.notif);
    const std::string name = caller.read_text(request.argument(1), XATTR_NAME_MAX + 1, ERANGE);
    if (!is_harmless_attribute(name)) return Answer::to_kernel();
    if (!caller.may(CAP_SYS_ADMIN, request.user_namespace)) return Answer::to_kernel();
    const auto size = request.argument(3);
    if (size > XATTR_SIZE_MAX) throw SystemError(E2BIG, "setxattr");
    const std::string value =
        size == 0 ? std::string() : caller.read_memory(request.argument(2), size);
    const os::UniqueFd file = find_file(request, caller);
    check_owner(caller, file.get());
    caller.check_pending();
    // A descriptor with O_PATH has no attributes of its own.
    os::check(::setxattr(concat("/proc/self/fd/", std::to_string(file.get())).c_str(), name.c_str(),
                         value.data(), value.size(), static_cast<int>(request.argument(4))),
              "setxattr");
    return {};
}

}  // namespace lxcri::agent
