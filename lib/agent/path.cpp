#include "agent/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/rooted_path.h"

namespace lxcri::agent {

namespace {

os::UniqueFd open_base(const Caller& caller, int dir_fd, const std::string& path) {
    if (path.starts_with('/')) return caller.open("root", O_PATH | O_DIRECTORY);
    if (dir_fd == AT_FDCWD) return caller.open("cwd", O_PATH | O_DIRECTORY);
    return find_descriptor(caller, dir_fd);
}

// In the process that is as good as the caller; its root is the caller's. Links below /proc that
// lead anywhere are not followed.
os::UniqueFd open_there(const std::string& path, int flags) {
    return os::openat2(AT_FDCWD, path, flags | O_PATH, 0, RESOLVE_NO_MAGICLINKS);
}

void check_writable(int directory) {
    os::check(::syscall(SYS_faccessat2, directory, "", W_OK | X_OK, AT_EACCESS | AT_EMPTY_PATH),
              "faccessat2");
}

std::vector<os::UniqueFd> one(os::UniqueFd fd) {
    std::vector<os::UniqueFd> list;
    list.push_back(std::move(fd));
    return list;
}

}  // namespace

NewPlace find_new_place(const Caller& caller, int dir_fd, const std::string& path) {
    const auto slash = path.rfind('/');
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    // "": also of "directory/".
    if (name.empty()) throw SystemError(ENOENT, "mknod", path);
    if (name == "." || name == "..") throw SystemError(EEXIST, "mknod", path);
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const os::UniqueFd base = open_base(caller, dir_fd, path);
    auto opened = caller.call_as_caller(base.get(), [&] {
        os::UniqueFd directory = open_there(parent, O_DIRECTORY);
        check_writable(directory.get());
        return one(std::move(directory));
    });
    return {std::move(opened.at(0)), std::move(name)};
}

os::UniqueFd find_existing(const Caller& caller, const std::string& path, LastLink last_link) {
    const os::UniqueFd base = open_base(caller, AT_FDCWD, path);
    const int flags = last_link == LastLink::open ? O_NOFOLLOW : 0;
    auto opened = caller.call_as_caller(base.get(), [&] { return one(open_there(path, flags)); });
    return std::move(opened.at(0));
}

os::UniqueFd open_device(const Caller& caller, const std::string& path, bool read_only,
                         const std::vector<os::UniqueFd>& cgroups) {
    const os::UniqueFd base = open_base(caller, AT_FDCWD, path);
    const int flags = (read_only ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_NOCTTY;
    auto opened = caller.call_as_caller(
        base.get(),
        [&] {
            const os::UniqueFd place = open_there(path, 0);
            struct stat status {};
            os::check(::fstat(place.get(), &status), "fstat");
            if (!S_ISBLK(status.st_mode)) throw SystemError(ENOTBLK, "mount", path);
            return one(os::openat2(AT_FDCWD, path, flags, 0, RESOLVE_NO_MAGICLINKS));
        },
        cgroups);
    // Another one may be there meanwhile.
    struct stat status {};
    os::check(::fstat(opened.at(0).get(), &status), "fstat");
    if (!S_ISBLK(status.st_mode)) throw SystemError(ENOTBLK, "mount", path);
    return std::move(opened.at(0));
}

os::UniqueFd find_descriptor(const Caller& caller, int fd) {
    if (fd < 0) throw SystemError(EBADF, "find descriptor");
    try {
        return caller.open(concat("fd/", std::to_string(fd)), O_PATH);
    } catch (const SystemError& error) {
        if (error.code() == ENOENT) throw SystemError(EBADF, "find descriptor");
        throw;
    }
}

}  // namespace lxcri::agent
