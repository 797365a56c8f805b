// mknod(2), mknodat(2).
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <climits>

#include "agent/answer.h"
#include "agent/caller.h"
#include "agent/path.h"
#include "os/check.h"

namespace lxcri::agent {

namespace {

// The new file belongs to the caller, and its umask applies, also where an ACL replaces it. That
// the caller may write to the directory has been looked at.
void become_owner(const Credentials& credentials) {
    ::umask(credentials.umask);
    ::setfsgid(credentials.fsgid);
    ::setfsuid(credentials.fsuid);
    keep_capabilities(bit_of(CAP_MKNOD) | bit_of(CAP_DAC_OVERRIDE));
}

}  // namespace

Answer answer_mknod(const Request& request) {
    const bool has_directory = request.call.which == SystemCall::mknodat;
    const unsigned first = has_directory ? 1 : 0;
    // The kernel knows no more bits of it.
    const auto mode = static_cast<std::uint16_t>(request.argument(first + 1));
    const Device device = decode_device(static_cast<std::uint32_t>(request.argument(first + 2)));
    if (!is_harmless(mode, device)) return Answer::to_kernel();
    const Caller caller(request.listener, request.notif);
    if (!caller.may(CAP_MKNOD, request.user_namespace)) return Answer::to_kernel();
    const std::string path = caller.read_text(request.argument(first), PATH_MAX, ENAMETOOLONG);
    const int dir_fd = has_directory ? static_cast<int>(request.argument(0)) : AT_FDCWD;
    const NewPlace place = find_new_place(caller, dir_fd, path);
    become_owner(caller.credentials());
    caller.check_pending();
    os::check(::mknodat(place.directory.get(), place.name.c_str(), mode,
                        makedev(device.major, device.minor)),
              "mknodat");
    return {};
}

}  // namespace lxcri::agent
