#include "os/namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"

namespace lxcri::os {

UniqueFd open_namespace(const std::string& path, int clone_flag) {
    // O_PATH first: opening a FIFO or a device there could hang or do harm.
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

namespace {

bool is_same(const struct stat& left, const struct stat& right) {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

struct stat status_of(int namespace_fd) {
    struct stat status {};
    check(::fstat(namespace_fd, &status), "fstat", "namespace");
    return status;
}

}  // namespace

bool is_own_namespace(int namespace_fd, const std::string& proc_name) {
    struct stat ours {};
    const std::string path = concat("/proc/self/ns/", proc_name);
    check(::stat(path.c_str(), &ours), "stat", path);
    return is_same(status_of(namespace_fd), ours);
}

bool belongs_to(int namespace_fd, int user_namespace) {
    const UniqueFd owner(::ioctl(namespace_fd, NS_GET_USERNS));
    if (owner.valid()) return is_same_or_below(owner.get(), user_namespace);
    // It is of one that this process could not be root of: ioctl_ns(2).
    if (errno != EPERM) throw SystemError(errno, "ioctl NS_GET_USERNS");
    return false;
}

bool is_same_or_below(int user_namespace, int other) {
    const struct stat wanted = status_of(other);
    UniqueFd parent;
    for (int next = user_namespace;; next = parent.get()) {
        if (is_same(status_of(next), wanted)) return true;
        parent = UniqueFd(::ioctl(next, NS_GET_PARENT));
        if (parent.valid()) continue;
        // Further up there is none that this process could be root of: ioctl_ns(2).
        if (errno != EPERM) throw SystemError(errno, "ioctl NS_GET_PARENT");
        return false;
    }
}

namespace {

struct NamespaceKind {
    const char* name;  // below /proc/PID/ns
    int flag;
};

constexpr std::array<NamespaceKind, 8> kNamespaces{{
    {"user", CLONE_NEWUSER},
    {"mnt", CLONE_NEWNS},
    {"pid", CLONE_NEWPID},
    {"net", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP},
    {"time", CLONE_NEWTIME},
}};

}  // namespace

int foreign_namespaces(pid_t pid) {
    int flags = 0;
    for (const auto& kind : kNamespaces) {
        struct stat ours {};
        struct stat theirs {};
        const std::string path = concat("/proc/", std::to_string(pid), "/ns/", kind.name);
        if (::stat(concat("/proc/self/ns/", kind.name).c_str(), &ours) == -1) continue;  // no such
        check(::stat(path.c_str(), &theirs), "stat", path);
        if (!is_same(ours, theirs)) flags |= kind.flag;
    }
    return flags;
}

std::vector<UniqueFd> enter_namespaces(pid_t pid, int flags) {
    std::vector<UniqueFd> left;
    std::vector<UniqueFd> entered;
    const int foreign = foreign_namespaces(pid) & flags;
    for (const auto& kind : kNamespaces) {
        if ((foreign & kind.flag) == 0) continue;
        left.push_back(open_at(AT_FDCWD, concat("/proc/self/ns/", kind.name), O_RDONLY));
        entered.push_back(
            open_at(AT_FDCWD, concat("/proc/", std::to_string(pid), "/ns/", kind.name), O_RDONLY));
    }
    return_to(entered);
    return left;
}

void return_to(const std::vector<UniqueFd>& namespaces) {
    // The system call: in lxcri-start the function is one that answers liblxc.
    for (const UniqueFd& fd : namespaces) {
        check(static_cast<int>(::syscall(SYS_setns, fd.get(), 0)), "setns");
    }
}

std::vector<std::string> namespace_names(int flags) {
    std::vector<std::string> names;
    for (const auto& kind : kNamespaces) {
        if ((flags & kind.flag) != 0) names.emplace_back(kind.name);
    }
    return names;
}

}  // namespace lxcri::os
