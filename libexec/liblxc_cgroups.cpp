// Part of the calls that lxcri-start answers itself, see liblxc_calls.cpp.

#include "liblxc_cgroups.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "liblxc_calls.h"

namespace {

constexpr const char* kMountPoint = "/sys/fs/cgroup";
constexpr const char* kMemberships = "/proc/self/cgroup";

// The container's, as lines of cgroups(7). Empty: liblxc sees no cgroups.
std::string memberships;
bool has_answered = false;
bool sees_all = false;
std::optional<rlimit> callers_limit;

// liblxc has some descriptors open for each hierarchy. Returns false if there are too few, and we
// may not have more.
bool has_enough_descriptors() {
    constexpr rlim_t kEnough = 256;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return false;
    if (limit.rlim_cur >= kEnough) return true;
    const rlimit raised{kEnough, std::max(limit.rlim_max, kEnough)};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == -1) return false;
    callers_limit = limit;
    return true;
}

bool has_type(int fd, std::initializer_list<long> types) {
    struct statfs filesystem {};
    if (::fstatfs(fd, &filesystem) == -1) return false;
    return std::find(types.begin(), types.end(), filesystem.f_type) != types.end();
}

bool is_cgroup(int dir_fd) {
    return !memberships.empty() && has_type(dir_fd, {CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC});
}

// The monitor looks for cgroups here, and would make and enter its own. It gets a directory without
// any of the names that it looks for, and goes on without cgroups.
int open_without_cgroups() {
    constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", kFlags));
}

int open_text(std::string_view text) {
    const int fd = ::memfd_create("lxcri-start cgroup", MFD_CLOEXEC);
    if (fd == -1) return -1;
    (void)!::write(fd, text.data(), text.size());
    (void)::lseek(fd, 0, SEEK_SET);
    return fd;
}

// What liblxc writes while it starts a container, to make a cgroup fit for it and to move processes
// in. `create` has done so.
bool is_set_up(std::string_view file) {
    constexpr std::array<std::string_view, 5> kFiles{"cgroup.procs", "cgroup.subtree_control",
                                                     "cgroup.clone_children", "cpuset.cpus",
                                                     "cpuset.mems"};
    return std::find(kFiles.begin(), kFiles.end(), file) != kFiles.end();
}

}  // namespace

void lxcri::libexec::show_cgroups(std::string cgroups) {
    if (has_enough_descriptors()) memberships = std::move(cgroups);
}

void lxcri::libexec::give_back_descriptor_limit() noexcept {
    if (callers_limit) (void)::setrlimit(RLIMIT_NOFILE, &*callers_limit);
}

void lxcri::libexec::let_see_all_cgroups() {
    sees_all = true;
}

std::optional<int> lxcri::libexec::open_for_liblxc(const char* path, int flags) {
    if (sees_all || path == nullptr || !is_monitor()) return {};
    const std::string_view name = path;
    if (name == kMountPoint) {
        has_answered = true;
        if (memberships.empty()) return open_without_cgroups();
    }
    if (memberships.empty()) return {};
    if (name == kMemberships) return open_text(memberships);
    if ((flags & O_ACCMODE) != O_RDONLY && is_set_up(name)) return open_text("");
    return {};
}

bool lxcri::libexec::has_answered_search_for_cgroups() {
    return has_answered;
}

// The items lxc.cgroup.dir.* say "." for each cgroup of liblxc: that of the container. Here it is
// as if made. No other one is made.
extern "C" __attribute__((visibility("default"))) int mkdirat(int dir_fd, const char* path,
                                                              mode_t mode) noexcept {
    if (!lxcri::libexec::is_monitor() || !is_cgroup(dir_fd))
        return static_cast<int>(::syscall(SYS_mkdirat, dir_fd, path, mode));
    if (std::string_view(path) == ".") return 0;
    errno = EPERM;
    return -1;
}

// liblxc gives the cgroup to root of the container's user namespace. Whose it is `create` decides.
extern "C" __attribute__((visibility("default"))) int fchownat(int dir_fd, const char* path,
                                                               uid_t uid, gid_t gid,
                                                               int flags) noexcept {
    if (is_cgroup(dir_fd)) return 0;
    return static_cast<int>(::syscall(SYS_fchownat, dir_fd, path, uid, gid, flags));
}

extern "C" __attribute__((visibility("default"))) int fchmodat(int dir_fd, const char* path,
                                                               mode_t mode, int flags) noexcept {
    if (is_cgroup(dir_fd)) return 0;
    if (flags != 0) {
        errno = ENOTSUP;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fchmodat, dir_fd, path, mode));
}
