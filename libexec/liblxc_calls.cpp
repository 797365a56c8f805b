// Calls that liblxc makes to the C library and that this program answers itself: the dynamic linker
// finds these functions first. With a liblxc that calls others everything still works, but slower,
// less clean, a `create` whose child is killed early ends only at its deadline, and containers that
// ask for propagation, or bring the host's procfs, are refused. This is the whole list.

#include "liblxc_calls.h"

#include <grp.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
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

// For setns below. liblxc calls it in a process that shares our memory, and waits.
std::vector<int> joined_before_user;  // NOLINT: what liblxc calls takes no argument of ours
std::size_t joined_already = 0;       // NOLINT

bool is_user_namespace(int fd) {
    return ::ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWUSER;
}

int call_setns(int fd, int flags) {
    return static_cast<int>(::syscall(SYS_setns, fd, flags));
}

}  // namespace

void lxcri::libexec::join_before_user_namespace(std::vector<int> namespaces) {
    joined_before_user = std::move(namespaces);
}

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

// liblxc makes a directory below /run/lxc/lock for a lock that it never takes here, and leaves it
// behind (P47). It makes no other with this function.
extern "C" __attribute__((visibility("default"))) int mkdir(const char* /*path*/,
                                                            unsigned /*mode*/) noexcept {
    return 0;
}

// liblxc gives up where groups cannot be dropped, as in the user namespace of an ordinary user
// (user_namespaces(7)). Whether that matters is for lxcri-init to judge, which sets the groups of
// the container process.
extern "C" __attribute__((visibility("default"))) int setgroups(size_t count,
                                                                const gid_t* list) noexcept {
    const long result = ::syscall(SYS_setgroups, count, list);
    return result == -1 && errno == EPERM && count == 0 ? 0 : static_cast<int>(result);
}

// liblxc takes away what is mounted on pts of the /dev that it has opened before the mount hook
// runs. Where the bundle mounts nothing on /dev, that is the devpts of the bundle.
extern "C" __attribute__((visibility("default"))) int umount2(const char* path,
                                                              int flags) noexcept {
    const std::string_view target = path;
    if (target.starts_with("/proc/self/fd/") && target.ends_with("/pts")) return 0;
    return static_cast<int>(::syscall(SYS_umount2, path, flags));
}

// liblxc makes all mounts of the container shared when it has changed the root (P4), and so would
// overwrite what the mount hook has given them. There is no way back: afterwards nobody can tell
// the mounts apart but by their paths, which the image may have made links. Where a container asks
// for propagation, lxcri-init looks whether this call has been met.
extern "C" __attribute__((visibility("default"))) int mount(const char* source, const char* target,
                                                            const char* type, unsigned long flags,
                                                            const void* data) noexcept {
    if (flags == (MS_SHARED | MS_REC) && std::string_view(target) == ".") return 0;
    return static_cast<int>(::syscall(SYS_mount, source, target, type, flags, data));
}

// liblxc asks the procfs at /proc for our pid, and takes it away where the answer is not that of
// the container's pid namespace: so it is with the procfs of the host, which a bundle may have
// bound there (P40). The mount hook has seen to it that there is a procfs, which is all that is
// needed.
extern "C" __attribute__((visibility("default"))) ssize_t readlinkat(int dir_fd, const char* path,
                                                                     char* buffer,
                                                                     std::size_t size) noexcept {
    if (std::string_view(path) != "proc/self") {
        return ::syscall(SYS_readlinkat, dir_fd, path, buffer, size);
    }
    const std::string pid = std::to_string(::getpid());
    const std::size_t length = std::min(pid.size(), size);
    std::memcpy(buffer, pid.data(), length);
    return static_cast<ssize_t>(length);
}

// liblxc 5.0 waits for messages of its child on a socket whose other end it holds itself: when the
// child is killed meanwhile, for want of memory for example, it waits for good. This one also wakes
// up when a child has ended, and then reports the end of the stream, which liblxc takes for a
// failed start.
extern "C" __attribute__((visibility("default"))) ssize_t recvmsg(int fd, msghdr* message,
                                                                  int flags) {
    struct sigaction wake {};
    struct sigaction old {};
    wake.sa_handler = [](int) {};
    ::sigaction(SIGCHLD, &wake, &old);
    sigset_t none;  // liblxc has SIGCHLD blocked; only here it may interrupt
    sigemptyset(&none);
    pollfd wanted{fd, POLLIN, 0};
    ssize_t result = -1;
    while (true) {
        const int ready = ::ppoll(&wanted, 1, nullptr, &none);
        if (ready > 0) {
            result = ::syscall(SYS_recvmsg, fd, message, flags);
            break;
        }
        siginfo_t ended{};
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
            result = 0;
            break;
        }
        if (errno != EINTR && ready < 0) break;
    }
    const int code = errno;
    ::sigaction(SIGCHLD, &old, nullptr);
    errno = code;
    return result;
}

// liblxc joins the user namespace before the others, and then has no privilege left over those that
// belong to another one, such as the host's. So they are joined when it comes to the user
// namespace, and no more when it comes to them.
extern "C" __attribute__((visibility("default"))) int setns(int fd, int flags) noexcept {
    if (joined_already > 0 && flags == 0) {
        --joined_already;
        return 0;
    }
    if (joined_before_user.empty() || !is_user_namespace(fd)) return call_setns(fd, flags);
    for (const int other : joined_before_user) {
        if (call_setns(other, 0) == -1) return -1;
    }
    joined_already = joined_before_user.size();
    return call_setns(fd, flags);
}

// liblxc makes its child open to ptrace(2) when it has become root of the user namespace. Where
// that is joined others are root there, too, and our child still has what belongs to the host.
extern "C" __attribute__((visibility("default"))) int prctl(int option, ...) noexcept {
    va_list list;
    va_start(list, option);
    std::array<unsigned long, 4> arguments{};
    for (auto& argument : arguments) argument = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_DUMPABLE) arguments[0] = 0;
    return static_cast<int>(
        ::syscall(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]));
}
