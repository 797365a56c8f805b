// Calls that liblxc makes to the C library and that this program answers itself: the dynamic linker
// finds these functions first. docs/liblxc.md says what happens if a liblxc calls other functions.
// This is the whole list, with liblxc_cgroups.cpp.

#include "liblxc_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "handoff/channel.h"
#include "handoff/init_arguments.h"
#include "hooks/mount_hook.h"
#include "liblxc_cgroups.h"
#include "os/check.h"
#include "os/namespace.h"
#include "os/own_stack.h"

namespace {

struct Answers {
    std::string lxc_path;
    lxcri::os::UniqueFd command_socket;
    lxcri::os::UniqueFd cgroup;
};
Answers answers;  // one thread, one container

using lxcri::libexec::is_copy;
using lxcri::libexec::is_monitor;
bool keeps_groups = false;

bool mount_hook_has_run = false;
bool init_is_made = false;
// The monitor gets it when its parent ends; liblxc passes on to the container's first process what
// the monitor gets. No one else sends this signal to it.
constexpr int kParentHasEnded = SIGVTALRM;
bool ends_with_parent = false;
pid_t init_pid = 0;
int to_be_joined = 0;

// liblxc says in the environment what hook it forks for.
bool forks_for_mount_hook() {
    if (mount_hook_has_run || is_monitor()) return false;
    const char* type = ::getenv("LXC_HOOK_TYPE");
    return type != nullptr && std::string_view(type) == "mount";
}

// The C library's own function.
template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_below_lxc_path(std::string_view path) {
    return !answers.lxc_path.empty() && path.size() > answers.lxc_path.size() &&
           path.starts_with(answers.lxc_path) && path[answers.lxc_path.size()] == '/';
}

// liblxc keeps a file open in the root filesystem (P38): it makes the file, or opens what the image
// has there, and removes it at once. If it gets the error of a read-only filesystem, it goes on
// without the file.
bool is_pin_of_rootfs(const char* path) {
    return path != nullptr && std::string_view(path) == ".lxc_keep";
}

int refuse_pin() {
    errno = EROFS;
    return -1;
}

// The directory of the locks is not made, see mkdir. Between liblxc and its own tools nothing is to
// be locked: who changes a container has lxcri's lock.
bool is_lock_of_liblxc(std::string_view path) {
    return path.find("/lxc/lock/") != std::string_view::npos;
}

using SystemCall = long(long, ...);

// As clone(2) would have made it. s390 has the stack first.
clone_args to_clone_args(const std::array<long, 6>& args) {
#if defined(__s390x__)
    const auto flags = static_cast<unsigned long>(args[1]);
#else
    const auto flags = static_cast<unsigned long>(args[0]);
#endif
    clone_args arguments{};
    arguments.flags = flags & ~static_cast<unsigned long>(CSIGNAL);
    arguments.exit_signal = flags & CSIGNAL;
    arguments.pidfd = static_cast<std::uint64_t>(args[2]);
    return arguments;
}

// The container's first process, which liblxc makes with clone3(2), or with clone(2) and
// CLONE_PARENT in a process that has joined namespaces.
std::optional<clone_args> find_clone_of_init(long number, const std::array<long, 6>& args) {
    if (init_is_made) return {};
    clone_args arguments{};
    if (number == SYS_clone3) {
        std::memcpy(&arguments, reinterpret_cast<const void*>(args[0]),
                    std::min(static_cast<std::size_t>(args[1]), sizeof arguments));
        if ((arguments.flags & CLONE_PIDFD) != 0) return arguments;
    } else if (number == SYS_clone) {
        arguments = to_clone_args(args);
        if ((arguments.flags & CLONE_PARENT) != 0) return arguments;
    }
    return {};
}

// No mount of the container may reach the host, and a root filesystem that is to be a slave must be
// one of the host's mount. liblxc does this later, by paths, which do not lead to every mount.
void make_mounts_slaves(bool in_own_mounts) noexcept {
    using namespace lxcri;
    try {
        if (!in_own_mounts || !libexec::has_answered_search_for_cgroups()) {
            throw Error("this liblxc starts containers in a way that lxcri does not know");
        }
        const long result = ::syscall(SYS_mount, "", "/", nullptr, MS_REC | MS_SLAVE, nullptr);
        os::check(result, "mount MS_SLAVE", "/");
    } catch (const std::exception& error) {
        handoff::send_failure(handoff::kChannelFd, error);
        ::_exit(EXIT_FAILURE);
    }
}

// Where a sandbox refuses clone3: liblxc 5 and 6 do the same, 7 gives up.
long clone_the_old_way(SystemCall* call, const clone_args& arguments) {
    const auto flags = static_cast<long>(arguments.flags | arguments.exit_signal);
    const auto pidfd = static_cast<long>(arguments.pidfd);
#if defined(__s390x__)
    return call(SYS_clone, 0L, flags, pidfd, 0L, 0L);
#else
    return call(SYS_clone, flags, 0L, pidfd, 0L, 0L);
#endif
}

// liblxc 7 wants to know whether the kernel has this call, and gives up if a sandbox refuses it.
// Only a kept monitor ever sends a signal.
long ask_for_pidfd_signals(SystemCall* call, long pidfd) {
    const long result = call(SYS_pidfd_send_signal, pidfd, 0L, 0L, 0L);
    return result == -1 && (errno == ENOSYS || errno == EPERM) ? 0 : result;
}

// In its cgroup, if it is given. The descriptor is for one process, and not open in it.
template <class Clone>
long clone_init(SystemCall* call, clone_args arguments, Clone&& as_liblxc) {
    const bool in_own_mounts = (arguments.flags & CLONE_NEWNS) != 0;
    long pid = 0;
    if (answers.cgroup.valid()) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(answers.cgroup.get());
        pid = call(SYS_clone3, &arguments, sizeof arguments);
        if (pid != -1) answers.cgroup.reset();
    } else if ((arguments.flags & CLONE_INTO_CGROUP) != 0) {
        // liblxc's choice, where it sees cgroups. It is to be born where we are.
        arguments.flags &= ~static_cast<std::uint64_t>(CLONE_INTO_CGROUP);
        arguments.cgroup = 0;
        pid = call(SYS_clone3, &arguments, sizeof arguments);
    } else {
        pid = as_liblxc();
        if (pid == -1 && (errno == ENOSYS || errno == EPERM)) {
            pid = clone_the_old_way(call, arguments);
        }
    }
    if (pid == 0) {
        is_copy = true;
        make_mounts_slaves(in_own_mounts);
    }
    init_is_made = pid != -1;
    init_pid = static_cast<pid_t>(pid);
    return pid;
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

void lxcri::libexec::answer_calls(std::string lxc_path, os::UniqueFd command_socket) {
    answers.lxc_path = std::move(lxc_path);
    answers.command_socket = std::move(command_socket);
}

void lxcri::libexec::make_init_in(os::UniqueFd cgroup) {
    answers.cgroup = std::move(cgroup);
}

// liblxc makes the system call openat2 (5 and 6) and new processes with this function, and much
// else; so do we.
extern "C" __attribute__((visibility("default"))) long syscall(long number, ...) noexcept {
    static const auto call = next<SystemCall>("syscall");
    std::array<long, 6> args{};  // as many as a system call can have
    va_list list;
    va_start(list, number);
    for (long& arg : args) arg = va_arg(list, long);
    va_end(list);
    if (number == SYS_openat2) {
        const auto* path = reinterpret_cast<const char*>(args[1]);
        // Null where liblxc only wants to know whether the kernel has the call.
        const auto* how = reinterpret_cast<const open_how*>(args[2]);
        if (is_pin_of_rootfs(path)) return refuse_pin();
        const int flags = how == nullptr ? 0 : static_cast<int>(how->flags);
        if (const auto fd = lxcri::libexec::open_for_liblxc(path, flags)) return *fd;
    }
    if (number == SYS_pidfd_send_signal && args[1] == 0)
        return ask_for_pidfd_signals(call, args[0]);
    if (number == SYS_pidfd_send_signal && args[1] == kParentHasEnded && ends_with_parent)
        args[1] = SIGKILL;
    const auto as_asked = [&] {
        return call(number, args[0], args[1], args[2], args[3], args[4], args[5]);
    };
    const auto init = find_clone_of_init(number, args);
    return init ? clone_init(call, *init, as_asked) : as_asked();
}

// liblxc 7, where the C library has this function. (The name is another one here because there the
// C library declares it, too.)
extern "C" __attribute__((visibility("default"))) int answer_openat2(
    int dir_fd, const char* path, const open_how* how, size_t size) __asm__("openat2");
int answer_openat2(int dir_fd, const char* path, const open_how* how, size_t size) {
    return static_cast<int>(::syscall(SYS_openat2, dir_fd, path, how, size));
}

// And where the kernel, or a sandbox, has no openat2.
extern "C" __attribute__((visibility("default"))) int openat64(int dir_fd, const char* path,
                                                               int flags, ...) {
    va_list list;
    va_start(list, flags);
    const auto mode = va_arg(list, mode_t);  // meaningless where it was not passed
    va_end(list);
    if (is_pin_of_rootfs(path)) return refuse_pin();
    if (const auto fd = lxcri::libexec::open_for_liblxc(path, flags)) return *fd;
    return static_cast<int>(::syscall(SYS_openat, dir_fd, path, flags, mode));
}

// After the root has changed liblxc opens /dev/null, to see whether 0 to 2 are the same: then it
// does not change their owner and mode. If the bundle mounts nothing on /dev, the image decides
// what is opened: any device. 0 to 2 are our own file in memory, so the answer is that file. liblxc
// also looks for files of its own in the container directory. It has none there, but as root of a
// user namespace it may not search the directory, and would give up.
extern "C" __attribute__((visibility("default"))) int open64(const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const auto mode = va_arg(list, mode_t);  // meaningless where it was not passed
    va_end(list);
    if (std::string_view(path) == "/dev/null") return ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (is_lock_of_liblxc(path)) return ::memfd_create("lxcri-start lock", MFD_CLOEXEC);
    if (is_below_lxc_path(path)) {
        errno = ENOENT;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

// liblxc makes its child dumpable. Then each process that may trace root of the container could
// trace the child, which sees the host's files: a container with the same user and pid namespaces
// has such processes. The child does not need to be dumpable.
extern "C" __attribute__((visibility("default"))) int prctl(int option, ...) noexcept {
    std::array<unsigned long, 4> args{};
    va_list list;
    va_start(list, option);
    for (unsigned long& arg : args) arg = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_DUMPABLE && args[0] == 1) return 0;
    return static_cast<int>(::syscall(SYS_prctl, option, args[0], args[1], args[2], args[3]));
}

// The first process of the container asks, as root of its user namespace, whether it may search the
// runtime root (P43). It does not need anything there, and the directories of engines are closed to
// it (0700).
extern "C" __attribute__((visibility("default"))) int access(const char* path, int mode) noexcept {
    if (mode == X_OK && path == answers.lxc_path) return 0;
    return static_cast<int>(::syscall(SYS_faccessat, AT_FDCWD, path, mode));
}

// In this address family liblxc binds only the command socket.
extern "C" __attribute__((visibility("default"))) int bind(int fd, const sockaddr* address,
                                                           socklen_t size) noexcept {
    if (address->sa_family == AF_UNIX &&
        ::dup3(answers.command_socket.get(), fd, O_CLOEXEC) == -1) {
        return -1;
    }
    const long result = ::syscall(SYS_bind, fd, address, size);
    return result == -1 && errno == ENOTSOCK ? 0 : static_cast<int>(result);
}

extern "C" __attribute__((visibility("default"))) int listen(int fd, int backlog) noexcept {
    const long result = ::syscall(SYS_listen, fd, backlog);
    return result == -1 && errno == ENOTSOCK ? 0 : static_cast<int>(result);
}

void lxcri::libexec::join_before_user_namespace(std::vector<int> namespaces) {
    joined_before_user = std::move(namespaces);
}

void lxcri::libexec::end_container_with(pid_t parent) {
    ends_with_parent = true;
    os::check(::prctl(PR_SET_PDEATHSIG, kParentHasEnded, 0, 0, 0), "prctl PR_SET_PDEATHSIG");
    if (::getppid() != parent) throw Error("lxcri has died");
}

void lxcri::libexec::join_init(int namespaces) {
    to_be_joined = namespaces;
}

// liblxc has made the container, and waits for its end. Callers know the pid of a kept monitor, and
// take its namespaces for those of the container: an engine makes the network there.
extern "C" __attribute__((visibility("default"))) int epoll_wait(int fd, epoll_event* events,
                                                                 int most, int timeout) {
    using namespace lxcri;
    if (const int flags = std::exchange(to_be_joined, 0); flags != 0) {
        try {
            (void)os::enter_namespaces(init_pid, flags);
            handoff::send(handoff::kChannelFd, handoff::MessageKind::monitor_joined, {});
        } catch (const std::exception& error) {
            handoff::send_failure(handoff::kChannelFd, error);
        }
    }
    return static_cast<int>(
        ::syscall(SYS_epoll_pwait, fd, events, most, timeout, nullptr, std::size_t{0}));
}

void lxcri::libexec::keep_groups() {
    keeps_groups = true;
}

// liblxc runs a hook in a fork, through a shell. For our own mount hook this function saves the
// shell and the program, because the code is in this program, and most of the fork: as with
// vfork(2) the new process uses this memory, and liblxc's child waits meanwhile, as it would for a
// hook. It is also safer: the memory of this process belongs to the user namespace of create and is
// not dumpable, so no process of a container with a shared pid namespace can trace it; it could
// trace an executed program. A liblxc that forks in another way executes lxcri-hook, which does the
// same.
extern "C" __attribute__((visibility("default"))) pid_t fork() noexcept {
    if (!forks_for_mount_hook()) {
        const pid_t pid = next<pid_t()>("fork")();
        is_copy = is_copy || pid == 0;
        return pid;
    }
    mount_hook_has_run = true;
    const lxcri::os::OwnStack stack;
    if (!stack.is_there()) return -1;
    // The hook changes it, and that of an ordinary user's container has to stay as it is.
    const long dumpable = ::syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    const auto hook = [](void*) { return lxcri::hooks::run_mount_hook(); };
    const pid_t pid = ::clone(hook, stack.top(), CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
    const int code = errno;
    if (dumpable == 1) (void)::syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    errno = code;
    return pid;
}

// The last call of liblxc's child. From here on it needs no monitor: `create` hears of it now, so
// that the monitor ends while this process is still becoming lxcri-init.
extern "C" __attribute__((visibility("default"))) int execvp(const char* program,
                                                             char* const argv[]) noexcept {
    using namespace lxcri;
    if (is_monitor()) return ::execvpe(program, argv, environ);
    libexec::give_back_descriptor_limit();
    try {
        handoff::send(handoff::kChannelFd, handoff::MessageKind::alive, {});
        const std::array<char*, 3> args{argv[0], const_cast<char*>(handoff::kAnnounced), nullptr};
        ::execv(program, args.data());
        throw SystemError(errno, "execute", "lxcri-init");
    } catch (const std::exception& error) {
        handoff::send_failure(handoff::kChannelFd, error);
    }
    ::_exit(EXIT_FAILURE);
}

// liblxc makes the links of /dev in the directory that it has opened before the mount hook runs:
// that of the image (P41). The mount hook makes them in that of the container. (Our code calls the
// kernel itself: os::try_make_symlink.)
extern "C" __attribute__((visibility("default"))) int symlinkat(const char* /*target*/,
                                                                int /*dir_fd*/,
                                                                const char* /*path*/) noexcept {
    return 0;
}

// liblxc makes a directory below /run/lxc/lock for a lock that it never takes here, and does not
// remove it (P47). It makes no other directory with this function.
extern "C" __attribute__((visibility("default"))) int mkdir(const char* /*path*/,
                                                            unsigned /*mode*/) noexcept {
    return 0;
}

// liblxc gives up if it cannot drop groups, as in the user namespace of an ordinary user
// (user_namespaces(7)). lxcri-init decides whether that matters: it sets the groups of the
// container process, or keeps those of the caller.
extern "C" __attribute__((visibility("default"))) int setgroups(size_t count,
                                                                const gid_t* list) noexcept {
    if (keeps_groups) return 0;
    const long result = ::syscall(SYS_setgroups, count, list);
    return result == -1 && errno == EPERM && count == 0 ? 0 : static_cast<int>(result);
}

// liblxc unmounts what is mounted on pts of the /dev that it has opened before the mount hook
// runs. If the bundle mounts nothing on /dev, that is the devpts of the bundle.
extern "C" __attribute__((visibility("default"))) int umount2(const char* path,
                                                              int flags) noexcept {
    const std::string_view target = path;
    if (target.starts_with("/proc/self/fd/") && target.ends_with("/pts")) return 0;
    return static_cast<int>(::syscall(SYS_umount2, path, flags));
}

// liblxc makes all mounts of the container shared after it has changed the root (P4), and would
// overwrite the propagation that the mount hook has set. That could not be put back: afterwards
// only their paths tell the mounts apart, and the image can have links there. If a container asks
// for propagation, lxcri-init checks that this call was answered here.
extern "C" __attribute__((visibility("default"))) int mount(const char* source, const char* target,
                                                            const char* type, unsigned long flags,
                                                            const void* data) noexcept {
    if (flags == (MS_SHARED | MS_REC) && std::string_view(target) == ".") return 0;
    return static_cast<int>(::syscall(SYS_mount, source, target, type, flags, data));
}

// liblxc asks the procfs at /proc for our pid, and unmounts it if the answer is not that of the
// container's pid namespace: a bundle may bind the procfs of the host there, which gives another
// answer (P40). liblxc needs no more than a procfs, and the mount hook makes sure that there is
// one.
extern "C" __attribute__((visibility("default"))) ssize_t readlinkat(int dir_fd, const char* path,
                                                                     char* buffer,
                                                                     std::size_t size) noexcept {
    if (std::string_view(path) != "proc/self") {
        return ::syscall(SYS_readlinkat, dir_fd, path, buffer, size);
    }
    const std::string pid = std::to_string(::getpid());
    const std::size_t length = std::min(pid.size(), size);
    (void)pid.copy(buffer, length);
    return static_cast<ssize_t>(length);
}

// liblxc 5.0 waits for messages of its child on a socket whose other end it holds itself: if the
// child is killed meanwhile, for example because memory is used up, liblxc waits for ever. This one
// also wakes up when a child has ended, and then reports the end of the stream, which liblxc takes
// for a failed start. The child holds the other end too: it wakes up when `create` has ended, which
// ended liblxc.
extern "C" __attribute__((visibility("default"))) ssize_t recvmsg(int fd, msghdr* message,
                                                                  int flags) {
    struct sigaction wake {};
    struct sigaction old {};
    wake.sa_handler = [](int) {};
    ::sigaction(SIGCHLD, &wake, &old);
    sigset_t none;  // liblxc has SIGCHLD blocked; only here it may interrupt
    sigemptyset(&none);
    const bool is_child = !is_monitor();
    const int channel = is_child ? lxcri::handoff::kChannelFd : -1;
    std::array<pollfd, 2> wanted{{{fd, POLLIN, 0}, {channel, 0, 0}}};
    ssize_t result = -1;
    while (true) {
        const int ready = ::ppoll(wanted.data(), wanted.size(), nullptr, &none);
        if (ready > 0) {
            const bool has_message = wanted[0].revents != 0;
            result = has_message ? ::syscall(SYS_recvmsg, fd, message, flags) : 0;
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

// liblxc joins the user namespace before the others, and then has no privilege over those that
// belong to another user namespace, such as the host's. So this function joins them when liblxc
// asks for the user namespace, and does nothing when liblxc asks for them.
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
