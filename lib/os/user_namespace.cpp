#include "os/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"

namespace lxcri::os {

UniqueFd make_user_namespace(const std::string& uid_map, const std::string& gid_map) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    auto child = fork_child();
    if (!child) {
        // Says that it is there, or the errno, and waits to be killed.
        const int error = ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
        (void)!::write(theirs.get(), &error, sizeof error);
        while (true) ::pause();
    }
    theirs.reset();
    int error = EIO;
    (void)!retry([&] { return ::read(ours.get(), &error, sizeof error); });
    if (error != 0) throw SystemError(error, "unshare CLONE_NEWUSER");
    const std::string proc = concat("/proc/", std::to_string(child->pid()));
    write_value_at(AT_FDCWD, concat(proc, "/uid_map"), uid_map);
    write_value_at(AT_FDCWD, concat(proc, "/gid_map"), gid_map);
    return open_at(AT_FDCWD, concat(proc, "/ns/user"), O_RDONLY);
}

}  // namespace lxcri::os
