#include "process_labels.h"

#include <fcntl.h>
#include <linux/openat2.h>
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

// An attribute below this procfs. Nothing is mounted on the way (RESOLVE_NO_XDEV); thread-self is a
// link of procfs itself. Invalid, and errno, when it cannot be opened.
os::UniqueFd open_attribute_at(int proc, const std::string& name) {
    return os::UniqueFd(os::try_openat2(proc, concat("thread-self/attr/", name), O_WRONLY, 0,
                                        RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS));
}

// In the container's /proc; where that is none, read-only, or hides the attribute, in one of our
// own that is attached nowhere.
os::UniqueFd open_attribute(const std::string& name) {
    const os::UniqueFd proc(
        os::try_openat2(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS));
    if (proc.valid() && os::is_root_of_procfs(proc.get())) {
        os::UniqueFd file = open_attribute_at(proc.get(), name);
        if (file.valid()) return file;
    }
    const os::UniqueFd own =
        os::NewFilesystem("proc").mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return open_attribute_at(own.get(), name);
}

// Writing is asking the security module: 0 or the errno.
int write_attribute(const os::UniqueFd& file, std::string_view value) {
    const ssize_t written = ::write(file.get(), value.data(), value.size());
    return written == static_cast<ssize_t>(value.size()) ? 0 : errno;
}

void set_apparmor_profile(const std::string& profile) {
    // The file of AppArmor alone; before Linux 5.8 there is one for the only module.
    os::UniqueFd file = open_attribute("apparmor/exec");
    if (!file.valid() && errno == ENOENT) file = open_attribute("exec");
    if (!file.valid()) {
        throw SystemError(errno, "/process/apparmorProfile: open", "/proc/thread-self/attr");
    }
    const int error = write_attribute(file, concat("exec ", profile));
    if (error == ENOENT) {
        throw Error(
            concat("/process/apparmorProfile: the profile ", in_quotes(profile), " is not loaded"));
    }
    if (error != 0) {
        throw SystemError(error, "/process/apparmorProfile: change to profile", profile);
    }
}

void set_selinux_label(const std::string& label, const std::string& attribute) {
    const os::UniqueFd file = open_attribute(attribute);
    const int error = file.valid() ? write_attribute(file, label) : errno;
    if (error == 0) return;
    throw SystemError(error, concat("/process/selinuxLabel: set ", attribute, " label"), label);
}

}  // namespace

KeyringLabel::KeyringLabel(const std::string& label) {
    if (label.empty()) return;
    set_selinux_label(label, "keycreate");
    file_ = open_attribute("keycreate");
}

// Nothing clears it. It cannot fail where setting it has not; if it does, later keys of ours have a
// label, no more.
KeyringLabel::~KeyringLabel() {
    if (file_.valid()) (void)write_attribute(file_, {});
}

void set_exec_labels(const handoff::ProcessPlan& process) {
    if (!process.apparmor_profile.empty()) set_apparmor_profile(process.apparmor_profile);
    if (!process.selinux_label.empty()) set_selinux_label(process.selinux_label, "exec");
}

}  // namespace lxcri::libexec
