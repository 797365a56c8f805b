#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"
#include "process_steps.h"

namespace lxcri::libexec {

namespace {

using os::UniqueFd;

// A folder below the root: a link there is an attack (CVE-2025-52565), not a layout.
constexpr std::uint64_t kNoLinks = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;

bool is_devpts(int fd) {
    struct statfs filesystem {};
    os::check(::fstatfs(fd, &filesystem), "fstatfs");
    return filesystem.f_type == DEVPTS_SUPER_MAGIC;
}

UniqueFd open_master(const UniqueFd& root) {
    const UniqueFd pts(os::try_openat2(root.get(), "dev/pts", O_PATH | O_DIRECTORY, 0, kNoLinks));
    if (!pts.valid() && errno != ENOENT) throw SystemError(errno, "open", "/dev/pts");
    if (!pts.valid() || !is_devpts(pts.get())) {
        throw Error(concat("a devpts filesystem at /dev/pts is required, ",
                           pts.valid() ? "but another filesystem is there" : "but there is none",
                           ": /mounts must have one of type \"devpts\""));
    }
    UniqueFd master(os::try_openat2(pts.get(), "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                                    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
    if (!master.valid()) throw SystemError(errno, "open", "/dev/pts/ptmx");
    if (!is_devpts(master.get()))
        throw Error("/dev/pts/ptmx is not a terminal of the devpts at /dev/pts");
    return master;
}

// TIOCGPTPEER opens the other side of this very master, whatever has been put at its path
// meanwhile: ioctl_tty(2).
UniqueFd open_slave(const UniqueFd& master) {
    int locked = 0;
    os::check(::ioctl(master.get(), TIOCSPTLCK, &locked), "unlock the terminal");
    const int slave = ::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return UniqueFd(os::check(slave, "open the terminal's slave"));
}

std::string name_of_terminal(const UniqueFd& master) {
    unsigned number = 0;
    os::check(::ioctl(master.get(), TIOCGPTN, &number), "number of the terminal");
    return concat("/dev/pts/", std::to_string(number));
}

void mount_on_console(const UniqueFd& root, const UniqueFd& slave) {
    const UniqueFd dev(os::try_openat2(root.get(), "dev", O_PATH | O_DIRECTORY, 0, kNoLinks));
    if (!dev.valid()) throw SystemError(errno, "open", "/dev");
    // The mount hook has made it.
    const UniqueFd console(
        os::try_openat2(dev.get(), "console", O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
    if (!console.valid()) throw SystemError(errno, "open", "/dev/console");
    const UniqueFd mount = os::clone_mount(slave.get(), "", os::Reach::one_mount);
    os::attach_mount(mount.get(), console.get(), "/dev/console");
}

}  // namespace

void set_up_terminal(const handoff::ProcessPlan& process, Console console, int channel) {
    UniqueFd master;
    UniqueFd slave;
    std::string name;
    in_context("/process/terminal", [&] {
        const UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
        master = open_master(root);
        slave = open_slave(master);
        name = name_of_terminal(master);
        if (console == Console::mount) mount_on_console(root, slave);
        const auto& size = process.terminal_size;
        if (size.height != 0 || size.width != 0) {
            const winsize window{size.height, size.width, 0, 0};
            os::check(::ioctl(master.get(), TIOCSWINSZ, &window), "set the terminal's size");
        }
        os::check(::ioctl(slave.get(), TIOCSCTTY, 0), "make it the controlling terminal");
        for (int number = 0; number <= 2; ++number) {
            os::check(::dup2(slave.get(), number), "dup2", std::to_string(number));
        }
    });
    const std::array fds{master.get()};
    handoff::send(channel, handoff::MessageKind::terminal, name, fds);
}

}  // namespace lxcri::libexec
