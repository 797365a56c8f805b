#include "os/namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

UniqueFd open_namespace(const std::string& path, int clone_flag) {
    // O_PATH first: opening a FIFO or a device that somebody put there could hang or do harm.
    const UniqueFd found = open_at(AT_FDCWD, path, O_PATH);
    struct statfs filesystem {};
    check(::fstatfs(found.get(), &filesystem), "fstatfs", path);
    if (filesystem.f_type != NSFS_MAGIC)
        throw Error(concat(in_quotes(path), " is not a namespace"));
    UniqueFd fd =
        open_at(AT_FDCWD, concat("/proc/self/fd/", std::to_string(found.get())), O_RDONLY);
    const int type = check(::ioctl(fd.get(), NS_GET_NSTYPE), "ioctl NS_GET_NSTYPE", path);
    if (type != clone_flag) throw Error(concat(in_quotes(path), " is a namespace of another type"));
    return fd;
}

bool is_own_namespace(int namespace_fd, const std::string& proc_name) {
    struct stat theirs {};
    struct stat ours {};
    const std::string path = concat("/proc/self/ns/", proc_name);
    check(::fstat(namespace_fd, &theirs), "fstat", "namespace");
    check(::stat(path.c_str(), &ours), "stat", path);
    return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

}  // namespace lxcri::os
