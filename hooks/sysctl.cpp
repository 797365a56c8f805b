#include "sysctl.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"

namespace lxcri::hooks {

void write_sysctls(const std::vector<handoff::Sysctl>& sysctls) {
    if (sysctls.empty()) return;
    os::NewFilesystem proc("proc");
    const os::UniqueFd root = proc.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
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
