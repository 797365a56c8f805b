#include "sysctl.h"

#include <fcntl.h>

#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"

namespace lxcri::hooks {

namespace {

os::UniqueFd open_procfs(int rootfs_fd) {
    try {
        return os::NewFilesystem("proc").mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                               MOUNT_ATTR_NOEXEC);
    } catch (const SystemError& error) {
        if (error.code() != EPERM) throw;
        auto proc = os::RootedDir(rootfs_fd, os::Links::refuse).find("/proc", O_PATH | O_DIRECTORY);
        if (!proc || !os::is_root_of_procfs(proc->get())) throw;
        return std::move(*proc);
    }
}

}  // namespace

void write_sysctls(int rootfs_fd, const std::vector<handoff::Sysctl>& sysctls) {
    if (sysctls.empty()) return;
    const os::UniqueFd root = in_context("/linux/sysctl", [&] { return open_procfs(rootfs_fd); });
    for (const auto& sysctl : sysctls) {
        in_context(concat("/linux/sysctl/", sysctl.key), [&] {
            const os::UniqueFd file =
                os::openat2(root.get(), concat("sys/", sysctl.path), O_WRONLY, 0,
                            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
            // One write: the kernel takes each write for a value of its own.
            const auto written = os::retry(
                [&] { return ::write(file.get(), sysctl.value.data(), sysctl.value.size()); });
            os::check(written, concat("write ", in_quotes(sysctl.value), " to"), sysctl.path);
        });
    }
}

}  // namespace lxcri::hooks
