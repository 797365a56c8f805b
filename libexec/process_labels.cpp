#include "process_labels.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"
#include "process_steps.h"

namespace lxcri::libexec {

namespace {

constexpr ino_t kProcRoot = 1;  // PROC_ROOT_INO

bool is_root_of_procfs(int fd) {
    struct statfs filesystem {};
    struct stat status {};
    return ::fstatfs(fd, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC &&
           ::fstat(fd, &status) == 0 && status.st_ino == kProcRoot;
}

// The container's /proc; where that is none, or hides what we need, one of our own that is attached
// nowhere.
os::UniqueFd open_procfs() {
    const int fd = os::try_openat2(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
    os::UniqueFd proc(fd);
    if (proc.valid() && is_root_of_procfs(proc.get())) return proc;
    return os::NewFilesystem("proc").mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                           MOUNT_ATTR_NOEXEC);
}

// Writing an attribute is asking the module: 0 or the errno. Without a file for it, ENOENT.
int write_attribute(int proc, const std::string& name, std::string_view value) {
    // Nothing is mounted on the way (RESOLVE_NO_XDEV); thread-self is a link of procfs itself.
    const os::UniqueFd file(os::try_openat2(proc, concat("thread-self/attr/", name), O_WRONLY, 0,
                                            RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS));
    if (!file.valid()) return errno;
    struct statfs filesystem {};
    os::check(::fstatfs(file.get(), &filesystem), "fstatfs");
    if (filesystem.f_type != PROC_SUPER_MAGIC) return EXDEV;
    const ssize_t written = ::write(file.get(), value.data(), value.size());
    return written == static_cast<ssize_t>(value.size()) ? 0 : errno;
}

void set_apparmor_profile(const std::string& profile) {
    const os::UniqueFd proc = open_procfs();
    const std::string request = concat("exec ", profile);
    // The file of AppArmor alone, and on kernels before 5.8 the one of the only module.
    int error = write_attribute(proc.get(), "apparmor/exec", request);
    if (error == ENOENT || error == EINVAL) error = write_attribute(proc.get(), "exec", request);
    if (error == 0) return;
    if (error == ENOENT) {
        throw Error(
            concat("/process/apparmorProfile: the profile ", quoted(profile), " is not loaded"));
    }
    throw SystemError(error, "/process/apparmorProfile: change to profile", profile);
}

void set_selinux_label(const std::string& label) {
    const os::UniqueFd proc = open_procfs();
    if (const int error = write_attribute(proc.get(), "exec", label); error != 0) {
        throw SystemError(error, "/process/selinuxLabel: set exec label", label);
    }
}

}  // namespace

KeyringLabel::KeyringLabel(const std::string& label) {
    if (label.empty()) return;
    os::UniqueFd proc = open_procfs();
    if (const int error = write_attribute(proc.get(), "keycreate", label); error != 0) {
        throw SystemError(error, "/process/selinuxLabel: set keycreate label", label);
    }
    proc_ = std::move(proc);
}

// Nothing clears it. It cannot fail where setting it has not; if it does, later keys of ours have a
// label, no more.
KeyringLabel::~KeyringLabel() {
    if (proc_.valid()) (void)write_attribute(proc_.get(), "keycreate", {});
}

void set_exec_labels(const handoff::ProcessPlan& process) {
    if (!process.apparmor_profile.empty()) set_apparmor_profile(process.apparmor_profile);
    if (!process.selinux_label.empty()) set_selinux_label(process.selinux_label);
}

}  // namespace lxcri::libexec
