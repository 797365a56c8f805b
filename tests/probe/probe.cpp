// The container process of the tests: one static program with named commands that say what they
// see from the inside. It needs nothing in the root filesystem but itself.
//
//   probe COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...
//
// Commands run in order. Answers go to stdout, one fact per line. A failed command prints
// "COMMAND OPERAND: ERRNO-NAME" and makes the exit status 1, the following ones still run.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

namespace {

// One command's arguments, without its name.
struct Arguments {
    const char* command;
    char** values;
    int count;

    const char* at(int index, const char* fallback = "") const {
        return index < count ? values[index] : fallback;
    }
};

int failed(const Arguments& args, const char* operand) {
    const char* name = strerrorname_np(errno);
    dprintf(STDOUT_FILENO, "%s %s: %s\n", args.command, operand, name ? name : "unknown error");
    return 1;
}

int copy(int from, int to) {
    char buffer[16384];
    for (;;) {
        const ssize_t size = read(from, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return static_cast<int>(size);
        for (ssize_t done = 0; done < size;) {
            const ssize_t written = write(to, buffer + done, static_cast<size_t>(size - done));
            if (written < 0) return -1;
            done += written;
        }
    }
}

int show_file(const Arguments& args, const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed(args, path);
    const int result = copy(fd, STDOUT_FILENO) < 0 ? failed(args, path) : 0;
    close(fd);
    return result;
}

const char* type_name(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return "file";
        case S_IFDIR:
            return "dir";
        case S_IFLNK:
            return "link";
        case S_IFCHR:
            return "char";
        case S_IFBLK:
            return "block";
        case S_IFIFO:
            return "fifo";
        case S_IFSOCK:
            return "socket";
        default:
            return "unknown";
    }
}

int signal_number(const char* text) {
    char* end = nullptr;
    const long number = strtol(text, &end, 10);
    if (*text && !*end) return static_cast<int>(number);
    if (strncmp(text, "SIG", 3) == 0) text += 3;
    for (int candidate = 1; candidate < NSIG; ++candidate) {
        const char* name = sigabbrev_np(candidate);
        if (name && strcmp(name, text) == 0) return candidate;
    }
    return -1;
}

void pause_forever() {
    for (;;) pause();
}

// --- what ends a process ---------------------------------------------------------------------

int do_true(const Arguments&) {
    return 0;
}

int do_exit(const Arguments& args) {
    _exit(atoi(args.at(0, "0")));
}

int do_raise(const Arguments& args) {
    // pid 1 is immune to signals that it does not handle, so the default action needs a child.
    return raise(signal_number(args.at(0))) == 0 ? 0 : failed(args, args.at(0));
}

int do_sleep(const Arguments&) {
    pause_forever();
    return 0;
}

// later MILLISECONDS: what follows does not begin before.
int do_later(const Arguments& args) {
    const long milliseconds = atol(args.at(0));
    const timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    return nanosleep(&time, nullptr);
}

// end-first-thread: says "ready"; another thread goes on
int do_end_first_thread(const Arguments& args) {
    pthread_t other;
    const auto work = [](void*) -> void* {
        dprintf(STDOUT_FILENO, "ready\n");
        pause_forever();
        return nullptr;
    };
    errno = pthread_create(&other, nullptr, work, nullptr);
    if (errno != 0) return failed(args, "pthread_create");
    syscall(SYS_exit, 0);
    return 0;
}

int trapped_exit_code = 0;

void exit_from_handler(int) {
    _exit(trapped_exit_code);
}

int exit_on(const Arguments& args, const char* signal, int code) {
    struct sigaction action = {};
    trapped_exit_code = code;
    action.sa_handler = exit_from_handler;
    if (sigaction(signal_number(signal), &action, nullptr) < 0) return failed(args, signal);
    dprintf(STDOUT_FILENO, "ready\n");
    pause_forever();
    return 0;
}

// trap SIGNAL CODE: says "ready" and exits with CODE when SIGNAL arrives.
int do_trap(const Arguments& args) {
    return exit_on(args, args.at(0), atoi(args.at(1, "0")));
}

// reboot-until LIVES FILE: remembers this life in FILE and says which it is; reboots before the
// last one, which goes on as `trap TERM 7`.
int do_reboot_until(const Arguments& args) {
    const int fd = open(args.at(1), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || write(fd, ".", 1) != 1) return failed(args, args.at(1));
    const auto life = static_cast<int>(lseek(fd, 0, SEEK_CUR));
    dprintf(STDOUT_FILENO, "life %d\n", life);
    if (life < atoi(args.at(0)) && reboot(RB_AUTOBOOT) != 0) return failed(args, "reboot");
    return exit_on(args, "TERM", 7);
}

int do_ignore(const Arguments& args) {
    return signal(signal_number(args.at(0)), SIG_IGN) == SIG_ERR ? failed(args, args.at(0)) : 0;
}

volatile sig_atomic_t last_signal = 0;

void remember_signal(int number) {
    last_signal = number;
}

// report: handles every signal it can, names each one as it comes; TERM or QUIT is the last.
int do_report(const Arguments&) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    struct sigaction action = {};
    action.sa_handler = remember_signal;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &action, nullptr);
    dprintf(STDOUT_FILENO, "ready\n");
    for (;;) {
        const int number = sigwaitinfo(&all, nullptr);
        if (number < 0) continue;
        const char* name = sigabbrev_np(number);
        dprintf(STDOUT_FILENO, "signal %d %s\n", number, name ? name : "RT");
        if (number == SIGTERM || number == SIGQUIT) _exit(128 + number);
    }
}

// --- output and input ------------------------------------------------------------------------

// One write for the line: callers that log lines would see parts of it otherwise.
int write_line(const Arguments& args, int fd) {
    char line[4096];
    size_t size = 0;
    for (int i = 0; i < args.count && size < sizeof line - 2; ++i) {
        const int added =
            snprintf(line + size, sizeof line - 1 - size, "%s%s", i ? " " : "", args.values[i]);
        size = size + static_cast<size_t>(added) < sizeof line - 2
                   ? size + static_cast<size_t>(added)
                   : sizeof line - 2;
    }
    line[size++] = '\n';
    return write(fd, line, size) < 0 ? failed(args, "") : 0;
}

int do_echo(const Arguments& args) {
    return write_line(args, STDOUT_FILENO);
}

int do_error(const Arguments& args) {
    return write_line(args, STDERR_FILENO);
}

// args: one per line in brackets, so that blanks and empty ones show.
int do_args(const Arguments& args) {
    for (int i = 0; i < args.count; ++i) dprintf(STDOUT_FILENO, "[%s]\n", args.values[i]);
    return 0;
}

int do_stdin(const Arguments& args) {
    return copy(STDIN_FILENO, STDOUT_FILENO) < 0 ? failed(args, "stdin") : 0;
}

// readfd N: copies descriptor N to stdout; writefd N TEXT: writes to it.
int do_readfd(const Arguments& args) {
    return copy(atoi(args.at(0)), STDOUT_FILENO) < 0 ? failed(args, args.at(0)) : 0;
}

int do_writefd(const Arguments& args) {
    return dprintf(atoi(args.at(0)), "%s\n", args.at(1)) < 0 ? failed(args, args.at(0)) : 0;
}

// into PATH: what follows writes to the end of this file instead of stdout.
int do_into(const Arguments& args) {
    const int fd = open(args.at(0), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) return failed(args, args.at(0));
    close(fd);
    return 0;
}

// stdio PATH: what 0, 1 and 2 are, into the file: as the program got them, untouched.
int do_stdio(const Arguments& args) {
    const char* types[3];
    for (int fd = 0; fd <= 2; ++fd) {
        struct stat info;
        types[fd] = fstat(fd, &info) < 0 ? "closed" : type_name(info.st_mode);
    }
    const int file = open(args.at(0), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) return 1;
    dprintf(file, "%s %s %s\n", types[0], types[1], types[2]);
    return 0;
}

// --- files -----------------------------------------------------------------------------------

int do_cat(const Arguments& args) {
    int result = 0;
    for (int i = 0; i < args.count; ++i) result |= show_file(args, args.values[i]);
    return result;
}

int compare_names(const dirent** left, const dirent** right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

int do_ls(const Arguments& args) {
    const char* path = args.at(0, ".");
    dirent** entries = nullptr;
    const int count = scandir(path, &entries, nullptr, compare_names);
    if (count < 0) return failed(args, path);
    for (int i = 0; i < count; ++i) {
        const char* name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            dprintf(STDOUT_FILENO, "%s\n", name);
        }
    }
    return 0;
}

// stat PATH...: "PATH TYPE MODE UID GID MAJOR:MINOR SIZE"
int do_stat(const Arguments& args) {
    int result = 0;
    for (int i = 0; i < args.count; ++i) {
        struct stat info;
        if (lstat(args.values[i], &info) < 0) {
            result = failed(args, args.values[i]);
            continue;
        }
        dprintf(STDOUT_FILENO, "%s %s %04o %u %u %u:%u %lld\n", args.values[i],
                type_name(info.st_mode), info.st_mode & 07777u, info.st_uid, info.st_gid,
                major(info.st_rdev), minor(info.st_rdev), static_cast<long long>(info.st_size));
    }
    return result;
}

// statfs PATH: "PATH MAGIC size=BYTES flags=LIST"
int do_statfs(const Arguments& args) {
    struct Flag {
        unsigned long bit;
        const char* name;
    };
    static const Flag flags[] = {{ST_RDONLY, "ro"},         {ST_NOSUID, "nosuid"},
                                 {ST_NODEV, "nodev"},       {ST_NOEXEC, "noexec"},
                                 {ST_NOATIME, "noatime"},   {ST_NODIRATIME, "nodiratime"},
                                 {ST_RELATIME, "relatime"}, {0x2000, "nosymfollow"}};
    struct statfs info;
    if (statfs(args.at(0), &info) < 0) return failed(args, args.at(0));
    dprintf(STDOUT_FILENO, "%s %lx size=%llu flags=", args.at(0),
            static_cast<unsigned long>(info.f_type),
            static_cast<unsigned long long>(info.f_blocks) *
                static_cast<unsigned long long>(info.f_bsize));
    for (const Flag& flag : flags) {
        if (static_cast<unsigned long>(info.f_flags) & flag.bit) {
            dprintf(STDOUT_FILENO, "%s,", flag.name);
        }
    }
    dprintf(STDOUT_FILENO, "\n");
    return 0;
}

int do_readlink(const Arguments& args) {
    int result = 0;
    for (int i = 0; i < args.count; ++i) {
        char target[4096];
        const ssize_t size = readlink(args.values[i], target, sizeof target - 1);
        if (size < 0) {
            result = failed(args, args.values[i]);
            continue;
        }
        target[size] = '\0';
        dprintf(STDOUT_FILENO, "%s -> %s\n", args.values[i], target);
    }
    return result;
}

// open PATH [r|w|rw]: does the open succeed?
int do_open(const Arguments& args) {
    const char* how = args.at(1, "r");
    const int mode = strcmp(how, "w") == 0 ? O_WRONLY : strcmp(how, "rw") == 0 ? O_RDWR : O_RDONLY;
    const int fd = open(args.at(0), mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return failed(args, args.at(0));
    dprintf(STDOUT_FILENO, "%s %s: ok\n", args.command, args.at(0));
    close(fd);
    return 0;
}

int do_write(const Arguments& args) {
    const int fd = open(args.at(0), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return failed(args, args.at(0));
    const ssize_t written = write(fd, args.at(1), strlen(args.at(1)));
    const int result = written < 0 ? failed(args, args.at(0)) : 0;
    close(fd);
    if (result == 0) dprintf(STDOUT_FILENO, "%s %s: ok\n", args.command, args.at(0));
    return result;
}

int report_call(const Arguments& args, int returned) {
    if (returned < 0) return failed(args, args.at(0));
    dprintf(STDOUT_FILENO, "%s %s: ok\n", args.command, args.at(0));
    return 0;
}

int do_mkdir(const Arguments& args) {
    return report_call(args, mkdir(args.at(0), 0777));
}
int do_unlink(const Arguments& args) {
    return report_call(args, unlink(args.at(0)));
}
// symlink TEXT PATH
int do_symlink(const Arguments& args) {
    return report_call(args, symlink(args.at(0), args.at(1)));
}
// bind SOURCE TARGET
int do_bind(const Arguments& args) {
    return report_call(args, mount(args.at(0), args.at(1), nullptr, MS_BIND, nullptr));
}
int do_chroot(const Arguments& args) {
    return report_call(args, chroot(args.at(0)));
}
int do_chown(const Arguments& args) {
    return report_call(args, chown(args.at(0), static_cast<uid_t>(atoi(args.at(1))),
                                   static_cast<gid_t>(atoi(args.at(2)))));
}
int do_mount(const Arguments& args) {
    return report_call(args, mount("none", args.at(0), args.at(1, "tmpfs"), 0, nullptr));
}
// Takes nosuid, nodev and the like away from the mount.
int do_remount(const Arguments& args) {
    return report_call(args, mount("none", args.at(0), nullptr, MS_REMOUNT | MS_BIND, nullptr));
}
int do_umount(const Arguments& args) {
    return report_call(args, umount2(args.at(0), MNT_DETACH));
}
int do_sethostname(const Arguments& args) {
    return report_call(args, sethostname(args.at(0), strlen(args.at(0))));
}

// mknod-open PATH c|b MAJOR MINOR: makes the node and opens it.
int do_mknod_open(const Arguments& args) {
    const mode_t type = strcmp(args.at(1), "b") == 0 ? S_IFBLK : S_IFCHR;
    const dev_t device =
        makedev(static_cast<unsigned>(atoi(args.at(2))), static_cast<unsigned>(atoi(args.at(3))));
    if (mknod(args.at(0), type | 0600, device) < 0) return failed(args, args.at(0));
    const int fd = open(args.at(0), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return report_call(args, fd);
}

// --- what lxcri-agent carries out ------------------------------------------------------------

mode_t device_type(const char* letter) {
    return strcmp(letter, "b") == 0 ? S_IFBLK : strcmp(letter, "p") == 0 ? S_IFIFO : S_IFCHR;
}
dev_t device_at(const Arguments& args, int first) {
    return makedev(static_cast<unsigned>(atoi(args.at(first))),
                   static_cast<unsigned>(atoi(args.at(first + 1))));
}

// mknod PATH c|b MAJOR MINOR
int do_mknod(const Arguments& args) {
    return report_call(args, mknod(args.at(0), device_type(args.at(1)) | 0666, device_at(args, 2)));
}
// mknod-below DIRECTORY NAME c|b MAJOR MINOR: by descriptor
int do_mknod_below(const Arguments& args) {
    const int directory = open(args.at(0), O_PATH | O_DIRECTORY | O_CLOEXEC);
    return report_call(
        args, mknodat(directory, args.at(1), device_type(args.at(2)) | 0666, device_at(args, 3)));
}
// mknod-at-null: a path that is none
int do_mknod_at_null(const Arguments& args) {
    return report_call(args, static_cast<int>(syscall(SYS_mknodat, AT_FDCWD, nullptr,
                                                      S_IFCHR | 0666, makedev(1, 3))));
}
int do_chdir(const Arguments& args) {
    return report_call(args, chdir(args.at(0)));
}
int do_umask(const Arguments& args) {
    umask(static_cast<mode_t>(strtol(args.at(0), nullptr, 8)));
    return 0;
}
int do_setxattr(const Arguments& args) {
    return report_call(args, setxattr(args.at(0), args.at(1), args.at(2), strlen(args.at(2)), 0));
}
int do_lsetxattr(const Arguments& args) {
    return report_call(args, lsetxattr(args.at(0), args.at(1), args.at(2), strlen(args.at(2)), 0));
}
int do_fsetxattr(const Arguments& args) {
    const int fd = open(args.at(0), O_RDONLY | O_CLOEXEC);
    return report_call(args, fsetxattr(fd, args.at(1), args.at(2), strlen(args.at(2)), 0));
}
// As setcap(8) does it: CAP_NET_RAW.
int do_setcap(const Arguments& args) {
    vfs_cap_data data = {};
    data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
    data.data[0].permitted = 1U << CAP_NET_RAW;
    return report_call(args,
                       setxattr(args.at(0), "security.capability", &data, XATTR_CAPS_SZ_2, 0));
}
// mount-device SOURCE TARGET TYPE [DATA]
int do_mount_device(const Arguments& args) {
    return report_call(args, mount(args.at(0), args.at(1), args.at(2), 0, args.at(3)));
}
// fsopen TYPE
int do_fsopen(const Arguments& args) {
    return report_call(args, syscall(SYS_fsopen, args.at(0), 0) < 0 ? -1 : 0);
}
int do_sysinfo(const Arguments& args) {
    struct sysinfo info = {};
    if (sysinfo(&info) < 0) return failed(args, "");
    dprintf(STDOUT_FILENO, "total=%llu\nfree=%llu\nprocs=%u\nuptime=%ld\n",
            static_cast<unsigned long long>(info.totalram) * info.mem_unit,
            static_cast<unsigned long long>(info.freeram) * info.mem_unit,
            static_cast<unsigned>(info.procs), info.uptime);
    return 0;
}
// set-scheduler POLICY PRIORITY PID
int do_set_scheduler(const Arguments& args) {
    sched_param param = {};
    param.sched_priority = atoi(args.at(1));
    return report_call(args, sched_setscheduler(atoi(args.at(2)), atoi(args.at(0)), &param));
}

// A text of which another thread makes now the one, now the other.
struct Flipping {
    char text[256];
    const char* values[2];
    bool stop;
};
void* flip(void* argument) {
    auto* flipping = static_cast<Flipping*>(argument);
    for (unsigned i = 0; !__atomic_load_n(&flipping->stop, __ATOMIC_RELAXED); ++i) {
        memcpy(flipping->text, flipping->values[i & 1U], strlen(flipping->values[i & 1U]) + 1);
    }
    return nullptr;
}
// {mknod|setxattr}-race COUNT ONE OTHER [FILE]: what is named changes all the time.
int race(const Arguments& args, int (*call)(const char* name, const char* file)) {
    Flipping flipping = {};
    flipping.values[0] = args.at(1);
    flipping.values[1] = args.at(2);
    strcpy(flipping.text, args.at(1));
    pthread_t thread;
    if (pthread_create(&thread, nullptr, flip, &flipping) != 0) return failed(args, "thread");
    int successes = 0;
    for (int i = 0; i < atoi(args.at(0)); ++i) {
        if (call(flipping.text, args.at(3)) == 0) ++successes;
    }
    __atomic_store_n(&flipping.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, nullptr);
    dprintf(STDOUT_FILENO, "successes=%d\n", successes);
    return 0;
}
int do_mknod_race(const Arguments& args) {
    return race(args, [](const char* name, const char*) {
        const int result = mknod(name, S_IFCHR | 0666, makedev(1, 3));
        if (result == 0) unlink(name);
        return result;
    });
}
int do_setxattr_race(const Arguments& args) {
    return race(args,
                [](const char* name, const char* file) { return setxattr(file, name, "y", 1, 0); });
}
// mknod-on-usr1 PATH: PATH0, PATH1 and so on, one with each signal.
int do_mknod_on_usr1(const Arguments& args) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigprocmask(SIG_BLOCK, &wanted, nullptr);
    dprintf(STDOUT_FILENO, "ready\n");
    for (int i = 0;; ++i) {
        int number = 0;
        if (sigwait(&wanted, &number) != 0) continue;
        char path[256];
        snprintf(path, sizeof path, "%s%d", args.at(0), i);
        const int result = mknod(path, S_IFCHR | 0666, makedev(1, 3));
        dprintf(STDOUT_FILENO, "%s: %s\n", path, result == 0 ? "ok" : strerrorname_np(errno));
    }
}
// mknod-interrupted COUNT PATH: with a signal every 100 microseconds, after which calls go on.
int do_mknod_interrupted(const Arguments& args) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval interval = {{0, 100}, {0, 100}};
    setitimer(ITIMER_REAL, &interval, nullptr);
    int successes = 0;
    for (int i = 0; i < atoi(args.at(0)); ++i) {
        if (mknod(args.at(1), S_IFCHR | 0666, makedev(1, 3)) == 0) ++successes;
        unlink(args.at(1));
    }
    const itimerval none = {};
    setitimer(ITIMER_REAL, &none, nullptr);
    dprintf(STDOUT_FILENO, "successes=%d\n", successes);
    return 0;
}
// mknod-flood PROCESSES DIRECTORY: until they are killed.
int do_mknod_flood(const Arguments& args) {
    for (int i = 0; i < atoi(args.at(0)); ++i) {
        if (fork() != 0) continue;
        char path[256];
        snprintf(path, sizeof path, "%s/%d", args.at(1), i);
        for (;;) {
            mknod(path, S_IFCHR | 0666, makedev(1, 3));
            unlink(path);
        }
    }
    dprintf(STDOUT_FILENO, "flooding\n");
    return 0;
}

// --- the process -----------------------------------------------------------------------------

int do_status(const Arguments& args) {
    return show_file(args, "/proc/self/status");
}
int do_mountinfo(const Arguments& args) {
    return show_file(args, "/proc/self/mountinfo");
}

// field NAME...: lines of /proc/self/status
int do_field(const Arguments& args) {
    FILE* status = fopen("/proc/self/status", "re");
    if (!status) return failed(args, "/proc/self/status");
    char line[4096];
    while (fgets(line, sizeof line, status)) {
        for (int i = 0; i < args.count; ++i) {
            const size_t size = strlen(args.values[i]);
            if (strncmp(line, args.values[i], size) == 0 && line[size] == ':') {
                dprintf(STDOUT_FILENO, "%s", line);
            }
        }
    }
    fclose(status);
    return 0;
}

int do_env(const Arguments&) {
    for (char** entry = environ; *entry; ++entry) dprintf(STDOUT_FILENO, "%s\n", *entry);
    return 0;
}

int do_cwd(const Arguments& args) {
    char path[4096];
    // The system call, because the library hides the "(unreachable)" that a leak would show.
    if (syscall(SYS_getcwd, path, sizeof path) < 0) return failed(args, ".");
    dprintf(STDOUT_FILENO, "%s\n", path);
    return 0;
}

int do_ids(const Arguments& args) {
    uid_t real_uid, effective_uid, saved_uid;
    gid_t real_gid, effective_gid, saved_gid;
    getresuid(&real_uid, &effective_uid, &saved_uid);
    getresgid(&real_gid, &effective_gid, &saved_gid);
    dprintf(STDOUT_FILENO, "uid=%u,%u,%u\ngid=%u,%u,%u\ngroups=", real_uid, effective_uid,
            saved_uid, real_gid, effective_gid, saved_gid);
    gid_t groups[256];
    const int count = getgroups(256, groups);
    if (count < 0) return failed(args, "getgroups");
    for (int i = 0; i < count; ++i) dprintf(STDOUT_FILENO, "%s%u", i ? "," : "", groups[i]);
    const mode_t mask = umask(0);
    umask(mask);
    dprintf(STDOUT_FILENO, "\numask=%04o\n", mask);
    return 0;
}

int do_pid(const Arguments&) {
    dprintf(STDOUT_FILENO, "pid=%d ppid=%d pgid=%d sid=%d\n", getpid(), getppid(), getpgrp(),
            getsid(0));
    return 0;
}

// processes: "PID COMMAND" of everything in /proc
int do_processes(const Arguments& args) {
    dirent** entries = nullptr;
    const int count = scandir("/proc", &entries, nullptr, versionsort);
    if (count < 0) return failed(args, "/proc");
    for (int i = 0; i < count; ++i) {
        if (entries[i]->d_name[0] < '0' || entries[i]->d_name[0] > '9') continue;
        char path[64];
        char name[64] = "";
        snprintf(path, sizeof path, "/proc/%.20s/comm", entries[i]->d_name);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        if (read(fd, name, sizeof name - 1) < 0) name[0] = '\0';
        close(fd);
        dprintf(STDOUT_FILENO, "%s %s", entries[i]->d_name, name);
    }
    return 0;
}

// fds: every open descriptor, found by asking for each number, so that no directory is opened.
int do_fds(const Arguments&) {
    for (int fd = 0; fd < 1024; ++fd) {
        const int flags = fcntl(fd, F_GETFD);
        if (flags < 0) continue;
        char path[64];
        char target[4096];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        const ssize_t size = readlink(path, target, sizeof target - 1);
        target[size < 0 ? 0 : size] = '\0';
        dprintf(STDOUT_FILENO, "%d %s\n", fd, target);
    }
    return 0;
}

// fdstat N...: what the descriptor itself is, as "N TYPE MODE UID GID"
int do_fdstat(const Arguments& args) {
    int result = 0;
    for (int i = 0; i < args.count; ++i) {
        struct stat info;
        if (fstat(atoi(args.values[i]), &info) < 0) {
            result = failed(args, args.values[i]);
            continue;
        }
        dprintf(STDOUT_FILENO, "%s %s %04o %u %u %u:%u\n", args.values[i], type_name(info.st_mode),
                info.st_mode & 07777u, info.st_uid, info.st_gid, major(info.st_rdev),
                minor(info.st_rdev));
    }
    return result;
}

int do_rlimits(const Arguments&) {
    struct Limit {
        __rlimit_resource_t resource;
        const char* name;
    };
    static const Limit limits[] = {{RLIMIT_AS, "AS"},
                                   {RLIMIT_CORE, "CORE"},
                                   {RLIMIT_CPU, "CPU"},
                                   {RLIMIT_DATA, "DATA"},
                                   {RLIMIT_FSIZE, "FSIZE"},
                                   {RLIMIT_LOCKS, "LOCKS"},
                                   {RLIMIT_MEMLOCK, "MEMLOCK"},
                                   {RLIMIT_MSGQUEUE, "MSGQUEUE"},
                                   {RLIMIT_NICE, "NICE"},
                                   {RLIMIT_NOFILE, "NOFILE"},
                                   {RLIMIT_NPROC, "NPROC"},
                                   {RLIMIT_RSS, "RSS"},
                                   {RLIMIT_RTPRIO, "RTPRIO"},
                                   {RLIMIT_RTTIME, "RTTIME"},
                                   {RLIMIT_SIGPENDING, "SIGPENDING"},
                                   {RLIMIT_STACK, "STACK"}};
    for (const Limit& limit : limits) {
        struct rlimit value;
        if (getrlimit(limit.resource, &value) < 0) continue;
        dprintf(STDOUT_FILENO, "%s %llu %llu\n", limit.name,
                static_cast<unsigned long long>(value.rlim_cur),
                static_cast<unsigned long long>(value.rlim_max));
    }
    return 0;
}

// caps: the five sets in hexadecimal, and no_new_privs, by system call: works without /proc.
int do_caps(const Arguments& args) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (syscall(SYS_capget, &header, data) < 0) return failed(args, "capget");
    unsigned long long bounding = 0;
    unsigned long long ambient = 0;
    for (int cap = 0; cap < 64; ++cap) {
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) bounding |= 1ULL << cap;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) ambient |= 1ULL << cap;
    }
    const auto both = [](unsigned low, unsigned high) {
        return static_cast<unsigned long long>(low) | static_cast<unsigned long long>(high) << 32;
    };
    dprintf(STDOUT_FILENO,
            "bounding=%016llx\neffective=%016llx\npermitted=%016llx\ninheritable=%016llx\n"
            "ambient=%016llx\nno_new_privs=%d\nsecurebits=%x\n",
            bounding, both(data[0].effective, data[1].effective),
            both(data[0].permitted, data[1].permitted),
            both(data[0].inheritable, data[1].inheritable), ambient,
            prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
            static_cast<unsigned>(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)));
    return 0;
}

// signals: blocked and ignored ones by number
int do_signals(const Arguments&) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, nullptr, &blocked);
    dprintf(STDOUT_FILENO, "blocked=");
    for (int number = 1; number < NSIG; ++number) {
        if (sigismember(&blocked, number) == 1) dprintf(STDOUT_FILENO, "%d,", number);
    }
    dprintf(STDOUT_FILENO, "\nignored=");
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action = {};
        if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
            dprintf(STDOUT_FILENO, "%d,", number);
        }
    }
    dprintf(STDOUT_FILENO, "\n");
    return 0;
}

int do_pdeathsig(const Arguments& args) {
    int number = 0;
    if (prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) < 0) return failed(args, "");
    dprintf(STDOUT_FILENO, "pdeathsig=%d dumpable=%d subreaper=", number,
            prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    int subreaper = 0;
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
    dprintf(STDOUT_FILENO, "%d\n", subreaper);
    return 0;
}

// keyring: the description of the session keyring
int do_keyring(const Arguments& args) {
    char text[512] = "";
    if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1) < 0) {
        return failed(args, "session");
    }
    const long serial = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    dprintf(STDOUT_FILENO, "keyring=%s\nserial=%ld\n", text, serial);
    return 0;
}

// --- the system seen from inside -------------------------------------------------------------

int do_ns(const Arguments& args) {
    static const char* const kinds[] = {"cgroup", "ipc",  "mnt",  "net",
                                        "pid",    "time", "user", "uts"};
    int result = 0;
    for (const char* kind : kinds) {
        char path[64];
        char target[128];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
        const ssize_t size = readlink(path, target, sizeof target - 1);
        if (size < 0) {
            result = failed(args, path);
            continue;
        }
        target[size] = '\0';
        dprintf(STDOUT_FILENO, "%s\n", target);
    }
    return result;
}

int do_hostname(const Arguments& args) {
    struct utsname names;
    if (uname(&names) < 0) return failed(args, "uname");
    dprintf(STDOUT_FILENO, "hostname=%s\ndomainname=%s\n", names.nodename, names.domainname);
    return 0;
}

// ifaces: "NAME up|down"
int do_ifaces(const Arguments& args) {
    const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) return failed(args, "socket");
    struct if_nameindex* const interfaces = if_nameindex();
    if (!interfaces) return failed(args, "if_nameindex");
    for (struct if_nameindex* entry = interfaces; entry->if_index; ++entry) {
        struct ifreq request = {};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", entry->if_name);
        const bool known = ioctl(socket_fd, SIOCGIFFLAGS, &request) == 0;
        dprintf(STDOUT_FILENO, "%s %s\n", entry->if_name,
                known && (request.ifr_flags & IFF_UP) ? "up" : "down");
    }
    if_freenameindex(interfaces);
    close(socket_fd);
    return 0;
}

// ping-self: a datagram to ourselves through 127.0.0.1
int do_ping_self(const Arguments& args) {
    const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    char byte = 'x';
    if (socket_fd < 0 || bind(socket_fd, generic, size) < 0 ||
        getsockname(socket_fd, generic, &size) < 0 ||
        sendto(socket_fd, &byte, 1, 0, generic, size) != 1 || recv(socket_fd, &byte, 1, 0) != 1) {
        return failed(args, "127.0.0.1");
    }
    dprintf(STDOUT_FILENO, "ping-self: ok\n");
    close(socket_fd);
    return 0;
}

// clock: seconds of CLOCK_BOOTTIME and CLOCK_MONOTONIC
int do_clock(const Arguments&) {
    struct timespec boot, monotonic;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    dprintf(STDOUT_FILENO, "boottime=%lld\nmonotonic=%lld\n", static_cast<long long>(boot.tv_sec),
            static_cast<long long>(monotonic.tv_sec));
    return 0;
}

// --- load ------------------------------------------------------------------------------------

// alloc BYTES: touches so much memory, says so.
int do_alloc(const Arguments& args) {
    const size_t size = strtoull(args.at(0), nullptr, 10);
    void* const area =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return failed(args, args.at(0));
    for (size_t offset = 0; offset < size; offset += 4096) static_cast<char*>(area)[offset] = 1;
    dprintf(STDOUT_FILENO, "alloc %s: ok\n", args.at(0));
    munmap(area, size);
    return 0;
}

// hold BYTES: touches so much memory, says so, and keeps it until it is killed.
int do_hold(const Arguments& args) {
    const size_t size = strtoull(args.at(0), nullptr, 10);
    void* const area =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return failed(args, args.at(0));
    for (size_t offset = 0; offset < size; ++offset) {
        static_cast<char*>(area)[offset] = static_cast<char>(offset * 31 + (offset >> 12U));
    }
    dprintf(STDOUT_FILENO, "hold %s: ok\n", args.at(0));
    pause_forever();
    return 0;
}

// forks N: how many children can exist at once?
int do_forks(const Arguments& args) {
    static pid_t children[1024];
    const int wanted = atoi(args.at(0)) < 1024 ? atoi(args.at(0)) : 1024;
    int made = 0;
    int result = 0;
    for (; made < wanted; ++made) {
        children[made] = fork();
        if (children[made] == 0) pause_forever();
        if (children[made] < 0) {
            result = failed(args, args.at(0));
            break;
        }
    }
    dprintf(STDOUT_FILENO, "forks=%d\n", made);
    // One by one: the process group may reach beyond the container.
    for (int i = 0; i < made; ++i) kill(children[i], SIGKILL);
    while (wait(nullptr) > 0) {
    }
    return result;
}

// spawn N: leaves N sleeping children behind and goes on.
int do_spawn(const Arguments& args) {
    for (int i = 0; i < atoi(args.at(0, "1")); ++i) {
        const pid_t child = fork();
        if (child == 0) pause_forever();
        if (child < 0) return failed(args, args.at(0));
    }
    return 0;
}

// threads N: N threads that sleep; goes on.
int do_threads(const Arguments& args) {
    const auto work = [](void*) -> void* {
        pause_forever();
        return nullptr;
    };
    for (int i = 0; i < atoi(args.at(0, "1")); ++i) {
        pthread_t thread;
        errno = pthread_create(&thread, nullptr, work, nullptr);
        if (errno != 0) return failed(args, args.at(0));
    }
    return 0;
}

// tick: a line every few milliseconds, for ever.
int do_tick(const Arguments&) {
    for (;;) {
        dprintf(STDOUT_FILENO, "tick\n");
        usleep(5000);
    }
}

// count [MEBIBYTES]: numbers from 1 on, with so much memory in use. A reader sees
// whether it is the same process, and that it has missed nothing.
int do_count(const Arguments& args) {
    const size_t size = strtoull(args.at(0, "0"), nullptr, 10) << 20U;
    char* memory = nullptr;
    if (size != 0) {
        void* const area =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED) return failed(args, args.at(0));
        memory = static_cast<char*>(area);
        memset(memory, 'x', size);
    }
    for (long number = 1;; ++number) {
        if (size != 0) memory[static_cast<size_t>(number) % size] = 'y';
        dprintf(STDOUT_FILENO, "%ld\n", number);
        usleep(20000);
    }
}

// bomb: says ready, then it and all its children fork as fast as they can, for ever.
int do_bomb(const Arguments&) {
    signal(SIGCHLD, SIG_IGN);
    dprintf(STDOUT_FILENO, "ready\n");
    for (;;) {
        if (fork() < 0) usleep(1000);
    }
}

// alloc-in-child BYTES: as alloc, in a child; says how that ended.
int do_alloc_in_child(const Arguments& args) {
    const pid_t child = fork();
    if (child == 0) _exit(do_alloc(args));
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return failed(args, args.at(0));
    dprintf(STDOUT_FILENO, "child signal=%d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}

// open-on-usr1 PATH...: says ready; on each USR1 tries to open the files and says "opened" at the
// end.
int do_open_on_usr1(const Arguments& args) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigprocmask(SIG_BLOCK, &wanted, nullptr);
    dprintf(STDOUT_FILENO, "ready\n");
    for (;;) {
        int number = 0;
        if (sigwait(&wanted, &number) != 0) continue;
        for (int i = 0; i < args.count; ++i) {
            const int fd = open(args.values[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
            if (fd < 0) {
                failed(args, args.values[i]);
            } else {
                dprintf(STDOUT_FILENO, "%s: ok\n", args.values[i]);
                close(fd);
            }
        }
        dprintf(STDOUT_FILENO, "opened\n");
    }
}

// open-loop PATH...: says ready, opens and closes the files for ever; says the first failure.
int do_open_loop(const Arguments& args) {
    dprintf(STDOUT_FILENO, "ready\n");
    for (;;) {
        for (int i = 0; i < args.count; ++i) {
            const int fd = open(args.values[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
            if (fd < 0) return failed(args, args.values[i]);
            close(fd);
        }
    }
}

// The arguments as a program's argument list: argv has its null behind the last one, and a "--"
// that follows is replaced by one.
char** as_argv(const Arguments& args) {
    args.values[args.count] = nullptr;
    return args.values;
}

// exec PROGRAM [ARGUMENT...]: nothing can follow it.
int do_exec(const Arguments& args) {
    execv(args.at(0), as_argv(args));
    return failed(args, args.at(0));
}

// peak PROGRAM [ARGUMENT...]: runs it without output and says its peak resident memory and status.
// The kernel counts the memory before exec too, that is ours: a reason to be small.
int do_peak(const Arguments& args) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; ++fd) {
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    }
    pid_t child = -1;
    errno = posix_spawn(&child, args.at(0), &actions, nullptr, as_argv(args), environ);
    int status = 0;
    struct rusage usage;
    if (errno != 0 || wait4(child, &status, 0, &usage) != child) return failed(args, args.at(0));
    dprintf(STDOUT_FILENO, "peak=%ld status=%d\n", usage.ru_maxrss, status);
    return 0;
}

// fifo PATH: waits until the other end was opened and closed, printing what came.
int do_fifo(const Arguments& args) {
    return show_file(args, args.at(0));
}

// notify TEXT: a message to $NOTIFY_SOCKET, as sd_notify(3) sends it.
int do_notify(const Arguments& args) {
    const char* path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path == nullptr || strlen(path) >= sizeof address.sun_path) return failed(args, "env");
    strcpy(address.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const ssize_t sent = sendto(fd, args.at(0), strlen(args.at(0)), 0,
                                reinterpret_cast<struct sockaddr*>(&address), sizeof address);
    close(fd);
    return sent < 0 ? failed(args, path) : 0;
}

socklen_t abstract_name(const char* name, struct sockaddr_un& address) {
    const size_t length = strlen(name);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path + 1, name, length);
    return static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

// connect-abstract NAME: to a stream socket of this abstract name.
int do_connect_abstract(const Arguments& args) {
    struct sockaddr_un address = {};
    const socklen_t length = abstract_name(args.at(0), address);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int result = connect(fd, reinterpret_cast<struct sockaddr*>(&address), length);
    if (result == -1) return failed(args, args.at(0));
    dprintf(STDOUT_FILENO, "connected\n");
    close(fd);
    return 0;
}

// tcp-echo PORT: sends back to one client on the loopback device what it says, until it hangs up.
int do_tcp_echo(const Arguments& args) {
    struct sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(atoi(args.at(0))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, reinterpret_cast<struct sockaddr*>(&address), sizeof address) == -1 ||
        listen(listener, 1) == -1) {
        return failed(args, "listen");
    }
    dprintf(STDOUT_FILENO, "listening\n");
    const int client = accept(listener, nullptr, nullptr);
    if (client == -1) return failed(args, "accept");
    char buffer[512];
    ssize_t size = 0;
    while ((size = read(client, buffer, sizeof buffer)) > 0) {
        if (write(client, buffer, static_cast<size_t>(size)) != size) return failed(args, "write");
    }
    return size == 0 ? 0 : failed(args, "read");
}

// hold-abstract NAME: is the first with this abstract name, until it is killed.
int do_hold_abstract(const Arguments& args) {
    struct sockaddr_un address = {};
    const socklen_t length = abstract_name(args.at(0), address);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, reinterpret_cast<struct sockaddr*>(&address), length) == -1 ||
        listen(fd, 1) == -1) {
        return failed(args, args.at(0));
    }
    dprintf(STDOUT_FILENO, "held\n");
    while (true) pause();
}

// --- the terminal ------------------------------------------------------------------------------

// tty: of 0, 1 and 2 whether they are terminals and which; the size; whether /dev/tty is one, that
// is a controlling terminal; whether we lead a session, and are the foreground of the terminal.
int do_tty(const Arguments&) {
    for (int fd = 0; fd <= 2; ++fd) {
        char link[64];
        char target[256] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        const ssize_t length = readlink(link, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        dprintf(STDOUT_FILENO, "%d=%s %s\n", fd, isatty(fd) ? "tty" : "no", target);
    }
    struct winsize size = {};
    if (ioctl(0, TIOCGWINSZ, &size) == 0) {
        dprintf(STDOUT_FILENO, "size=%ux%u\n", size.ws_row, size.ws_col);
    }
    const int controlling = open("/dev/tty", O_RDWR | O_CLOEXEC);
    dprintf(STDOUT_FILENO, "controlling=%s\n", controlling >= 0 ? "yes" : "no");
    if (controlling >= 0) close(controlling);
    dprintf(STDOUT_FILENO, "session=%s\n", getsid(0) == getpid() ? "own" : "other");
    if (isatty(0)) {
        dprintf(STDOUT_FILENO, "foreground=%s\n", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
    }
    return 0;
}

// push TEXT: types it into the terminal on 0, as a user would; first as it is, then with
// that terminal made its own.
int do_push(const Arguments& args) {
    int pushed = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (attempt > 0) ioctl(0, TIOCSCTTY, attempt - 1);  // 1: taken from the session that has it
        for (const char* c = args.at(0); *c != '\0'; ++c) {
            if (ioctl(0, TIOCSTI, c) == 0) ++pushed;
        }
    }
    dprintf(STDOUT_FILENO, "pushed=%d\n", pushed);
    return 0;
}

// winsize: waits for SIGWINCH and says the new size.
int do_winsize(const Arguments&) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    dprintf(STDOUT_FILENO, "ready\n");
    int number = 0;
    sigwait(&set, &number);
    struct winsize size = {};
    ioctl(0, TIOCGWINSZ, &size);
    dprintf(STDOUT_FILENO, "size=%ux%u\n", size.ws_row, size.ws_col);
    return 0;
}

// reopen-tty: closes the terminal for a moment, then writes to it again.
int do_reopen_tty(const Arguments&) {
    dprintf(STDOUT_FILENO, "closed\n");
    for (int fd = 0; fd <= 2; ++fd) close(fd);
    const timespec moment = {0, 200'000'000};  // for the other side to notice
    nanosleep(&moment, nullptr);
    const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    dprintf(fd, "reopened\n");
    return fd >= 0 ? 0 : 1;
}

// write-on: leaves a child behind that writes to stdout for ever, whatever hangs up.
int do_write_on(const Arguments&) {
    signal(SIGHUP, SIG_IGN);
    if (fork() == 0) {
        for (;;) dprintf(STDOUT_FILENO, "%063d\n", 0);
    }
    const timespec moment = {0, 100'000'000};
    nanosleep(&moment, nullptr);
    return 0;
}

// stop-others: SIGSTOP to every other process, for ever.
int do_stop_others(const Arguments&) {
    dprintf(STDOUT_FILENO, "ready\n");
    for (bool told = false;;) {
        if (kill(-1, SIGSTOP) == 0 && !told) {
            dprintf(STDOUT_FILENO, "stopped\n");
            told = true;
        }
    }
}

// fill BYTES: so many bytes in lines of 64, each with its number.
int do_fill(const Arguments& args) {
    long left = strtol(args.at(0), nullptr, 10);
    static char buffer[65536];
    for (long line = 0; left > 0;) {
        size_t used = 0;
        while (used + 64 <= sizeof buffer && left > 0) {
            snprintf(buffer + used, 65, "%063ld\n", line++);
            used += 64;
            left -= 64;
        }
        for (size_t done = 0; done < used;) {
            const ssize_t written = write(STDOUT_FILENO, buffer + done, used - done);
            if (written < 0) return 1;
            done += static_cast<size_t>(written);
        }
    }
    return 0;
}

// --- where and how it is scheduled -------------------------------------------------------------

// scheduling: sched_getattr(2), ioprio_get(2), sched_getaffinity(2), get_mempolicy(2),
// personality(2).
int do_scheduling(const Arguments&) {
    struct {
        uint32_t size;
        uint32_t policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime;
        uint64_t deadline;
        uint64_t period;
    } attributes = {};
    syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0);
    dprintf(STDOUT_FILENO, "policy=%u\nnice=%d\npriority=%u\nflags=%llu\n", attributes.policy,
            attributes.nice, attributes.priority,
            static_cast<unsigned long long>(attributes.flags));
    dprintf(STDOUT_FILENO, "runtime=%llu\ndeadline=%llu\nperiod=%llu\n",
            static_cast<unsigned long long>(attributes.runtime),
            static_cast<unsigned long long>(attributes.deadline),
            static_cast<unsigned long long>(attributes.period));
    const long priority = syscall(SYS_ioprio_get, 1, 0);
    dprintf(STDOUT_FILENO, "ioclass=%ld\nioprio=%ld\n", priority >> 13, priority & 0x1fff);
    uint64_t cpus[16] = {};
    syscall(SYS_sched_getaffinity, 0, sizeof cpus, cpus);
    dprintf(STDOUT_FILENO, "cpus=%llx\n", static_cast<unsigned long long>(cpus[0]));
    int mode = -1;
    uint64_t nodes[16] = {};
    syscall(SYS_get_mempolicy, &mode, nodes, 1024, nullptr, 0);
    dprintf(STDOUT_FILENO, "mempolicy=%x\nnodes=%llx\n", static_cast<unsigned>(mode),
            static_cast<unsigned long long>(nodes[0]));
    struct utsname name;
    uname(&name);
    dprintf(STDOUT_FILENO, "personality=%x\nmachine=%s\n",
            static_cast<unsigned>(syscall(SYS_personality, 0xffffffff)), name.machine);
    return 0;
}

// --- hostile -----------------------------------------------------------------------------------

// hunt: until SIGTERM, goes for every other process that shows up: opens its program for writing,
// its descriptors, its memory, and traces it. Says what it reached at the end.
volatile sig_atomic_t hunting = 1;

bool reach(const char* format, int pid, const char* rest, int flags) {
    char path[128];
    snprintf(path, sizeof path, format, pid, rest);
    const int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    close(fd);
    return true;
}

// A descriptor that is worth something: not what this process has itself, its root and the null
// device.
bool reach_descriptor(int pid, int number) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    struct stat found = {};
    struct stat root = {};
    const bool known = fstat(fd, &found) == 0 && stat("/", &root) == 0;
    close(fd);
    if (!known) return true;
    const bool is_null = S_ISCHR(found.st_mode) && found.st_rdev == makedev(1, 3);
    return !is_null && (found.st_dev != root.st_dev || found.st_ino != root.st_ino);
}

int do_hunt(const Arguments&) {
    struct sigaction action = {};
    action.sa_handler = [](int) { hunting = 0; };
    sigaction(SIGTERM, &action, nullptr);
    struct stat own = {};
    stat("/proc/self/exe", &own);
    long seen = 0, writable = 0, foreign = 0, descriptors = 0, memory = 0, traced = 0;
    dprintf(STDOUT_FILENO, "ready\n");
    while (hunting) {
        DIR* proc = opendir("/proc");
        if (proc == nullptr) return failed({"hunt", nullptr, 0}, "/proc");
        while (const dirent* entry = readdir(proc)) {
            const int pid = atoi(entry->d_name);
            if (pid <= 1 || pid == getpid()) continue;
            ++seen;
            char path[128];
            struct stat program = {};
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            // Our own program is what the execs run in the end: no prey.
            if (stat(path, &program) == 0 &&
                (program.st_ino != own.st_ino || program.st_dev != own.st_dev)) {
                ++foreign;
                if (reach("/proc/%d/%s", pid, "exe", O_RDWR)) ++writable;
                // Busy while it runs, but a handle waits.
                const int handle = open(path, O_PATH | O_CLOEXEC);
                if (handle >= 0) {
                    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
                    for (int i = 0; i < 50; ++i) {
                        const int fd = open(path, O_RDWR | O_CLOEXEC);
                        if (fd < 0) continue;
                        ++writable;
                        close(fd);
                        break;
                    }
                    close(handle);
                }
                for (int fd = 3; fd < 24; ++fd) {
                    if (reach_descriptor(pid, fd)) ++descriptors;
                }
                if (reach("/proc/%d/%s", pid, "mem", O_RDWR)) ++memory;
                if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0) {
                    ++traced;
                    ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
                    waitpid(pid, nullptr, __WALL);
                    ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
                }
            }
        }
        closedir(proc);
    }
    dprintf(STDOUT_FILENO, "seen=%ld\nforeign=%ld\nwritable=%ld\ndescriptors=%ld\n", seen, foreign,
            writable, descriptors);
    dprintf(STDOUT_FILENO, "memory=%ld\ntraced=%ld\n", memory, traced);
    return 0;
}

int do_openat2(const Arguments& args) {
    open_how how = {};
    how.flags = O_PATH;
    if (syscall(SYS_openat2, AT_FDCWD, args.at(0), &how, sizeof how) < 0) {
        return failed(args, args.at(0));
    }
    dprintf(STDOUT_FILENO, "openat2 %s: ok\n", args.at(0));
    return 0;
}

// without-CALL ENOSYS|EPERM PROGRAM ARGUMENT...: runs it as in a sandbox whose filter does not know
// this system call.
int do_without(const Arguments& args) {
    const unsigned error = strcmp(args.at(0), "EPERM") == 0 ? EPERM : ENOSYS;
    const char* call = args.command + strlen("without-");
    const unsigned number = strcmp(call, "openat2") == 0  ? SYS_openat2
                            : strcmp(call, "clone3") == 0 ? SYS_clone3
                                                          : SYS_pidfd_send_signal;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        return failed(args, "seccomp");
    }
    execv(args.at(1), args.values + 1);
    return failed(args, args.at(1));
}

struct Command {
    const char* name;
    int (*run)(const Arguments&);
};

const Command commands[] = {
    {"true", do_true},
    {"exit", do_exit},
    {"raise", do_raise},
    {"sleep", do_sleep},
    {"later", do_later},
    {"trap", do_trap},
    {"reboot-until", do_reboot_until},
    {"end-first-thread", do_end_first_thread},
    {"ignore", do_ignore},
    {"report", do_report},
    {"echo", do_echo},
    {"error", do_error},
    {"args", do_args},
    {"stdin", do_stdin},
    {"into", do_into},
    {"readfd", do_readfd},
    {"writefd", do_writefd},
    {"cat", do_cat},
    {"ls", do_ls},
    {"stat", do_stat},
    {"statfs", do_statfs},
    {"readlink", do_readlink},
    {"open", do_open},
    {"write", do_write},
    {"mkdir", do_mkdir},
    {"unlink", do_unlink},
    {"symlink", do_symlink},
    {"bind", do_bind},
    {"chroot", do_chroot},
    {"chown", do_chown},
    {"mount", do_mount},
    {"remount", do_remount},
    {"umount", do_umount},
    {"sethostname", do_sethostname},
    {"mknod-open", do_mknod_open},
    {"mknod", do_mknod},
    {"mknod-below", do_mknod_below},
    {"mknod-at-null", do_mknod_at_null},
    {"mknod-race", do_mknod_race},
    {"mknod-on-usr1", do_mknod_on_usr1},
    {"mknod-interrupted", do_mknod_interrupted},
    {"mknod-flood", do_mknod_flood},
    {"chdir", do_chdir},
    {"umask", do_umask},
    {"setxattr", do_setxattr},
    {"lsetxattr", do_lsetxattr},
    {"fsetxattr", do_fsetxattr},
    {"setxattr-race", do_setxattr_race},
    {"setcap", do_setcap},
    {"mount-device", do_mount_device},
    {"fsopen", do_fsopen},
    {"sysinfo", do_sysinfo},
    {"set-scheduler", do_set_scheduler},
    {"status", do_status},
    {"field", do_field},
    {"mountinfo", do_mountinfo},
    {"env", do_env},
    {"cwd", do_cwd},
    {"ids", do_ids},
    {"pid", do_pid},
    {"processes", do_processes},
    {"fds", do_fds},
    {"fdstat", do_fdstat},
    {"rlimits", do_rlimits},
    {"caps", do_caps},
    {"signals", do_signals},
    {"pdeathsig", do_pdeathsig},
    {"keyring", do_keyring},
    {"ns", do_ns},
    {"hostname", do_hostname},
    {"ifaces", do_ifaces},
    {"ping-self", do_ping_self},
    {"clock", do_clock},
    {"alloc", do_alloc},
    {"hold", do_hold},
    {"forks", do_forks},
    {"alloc-in-child", do_alloc_in_child},
    {"tick", do_tick},
    {"count", do_count},
    {"bomb", do_bomb},
    {"open-on-usr1", do_open_on_usr1},
    {"open-loop", do_open_loop},
    {"spawn", do_spawn},
    {"threads", do_threads},
    {"exec", do_exec},
    {"peak", do_peak},
    {"fifo", do_fifo},
    {"notify", do_notify},
    {"connect-abstract", do_connect_abstract},
    {"tcp-echo", do_tcp_echo},
    {"hold-abstract", do_hold_abstract},
    {"stdio", do_stdio},
    {"tty", do_tty},
    {"push", do_push},
    {"winsize", do_winsize},
    {"fill", do_fill},
    {"reopen-tty", do_reopen_tty},
    {"write-on", do_write_on},
    {"stop-others", do_stop_others},
    {"scheduling", do_scheduling},
    {"hunt", do_hunt},
    {"openat2", do_openat2},
    {"without-clone3", do_without},
    {"without-openat2", do_without},
    {"without-pidfd_send_signal", do_without},
};

// What a program has of the process that it is started for: shared.
int do_shared(const Arguments&) {
    int result = 0;
    for (const Command& command : commands) {
        static const char* const names[] = {"ids", "cwd", "rlimits", "ns"};
        for (const char* name : names) {
            if (strcmp(command.name, name) == 0) result |= command.run({command.name, nullptr, 0});
        }
    }
    char* files[] = {const_cast<char*>("/proc/self/cgroup"),
                     const_cast<char*>("/proc/self/oom_score_adj")};
    char* fields[] = {const_cast<char*>("CapEff"), const_cast<char*>("CapPrm")};
    return result | do_cat({"cat", files, 2}) | do_field({"field", fields, 2});
}

// As the server of a file system does it, but that nothing is served: MODE TARGET -o OPTIONS, with
// the name "fuse-program". Modes: mount, fail, nothing, hang. What it is goes to /report.
int be_fuse_program(int count, char** values) {
    if (count < 3) return 98;
    const int report = open("/report", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (report < 0) return 97;
    dup2(report, STDOUT_FILENO);
    close(report);
    do_shared({});
    for (int i = 1; i < count; ++i) dprintf(STDOUT_FILENO, "argument %s\n", values[i]);
    do_fds({});
    do_env({});
    char* fields[] = {const_cast<char*>("NoNewPrivs"), const_cast<char*>("Seccomp")};
    do_field({"field", fields, 2});
    dprintf(STDOUT_FILENO, "unshare %s\n", unshare(CLONE_NEWUTS) == 0 ? "ok" : "refused");
    const long child = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, nullptr, nullptr, nullptr, 0);
    if (child == 0) _exit(0);
    dprintf(STDOUT_FILENO, "clone %s\n", child > 0 ? "ok" : "refused");
    const long family = (1L << 32) | AF_VSOCK;  // of which the kernel takes the lower half
    const bool is_refused = syscall(SYS_socket, family, SOCK_STREAM, 0) == -1 && errno == EPERM;
    dprintf(STDOUT_FILENO, "vsock %s\n", is_refused ? "refused" : "ok");
    if (strcmp(values[1], "fail") == 0) return 3;
    if (strcmp(values[1], "nothing") == 0) return 0;
    if (strcmp(values[1], "hang") == 0) pause();
    const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0) return 96;
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
    if (mount("probe", values[2], "fuse.probe", MS_NOSUID | MS_NODEV, options) != 0) return 95;
    if (fork() == 0) {
        pause();
    }
    return 0;
}

int run_command(const Arguments& args) {
    if (strcmp(args.command, "shared") == 0) return do_shared(args);
    for (const Command& command : commands) {
        if (strcmp(command.name, args.command) == 0) return command.run(args);
    }
    dprintf(STDERR_FILENO, "probe: unknown command '%s'\n", args.command);
    return 99;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 0 && strstr(argv[0], "fuse-program") != nullptr) return be_fuse_program(argc, argv);
    int result = 0;
    for (int i = 1; i < argc;) {
        int end = i;
        while (end < argc && strcmp(argv[end], "--") != 0) ++end;
        if (end > i) result |= run_command({argv[i], argv + i + 1, end - i - 1});
        i = end + 1;
    }
    return result;
}
