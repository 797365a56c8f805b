#include "attached/made_devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/check.h"
#include "os/mount.h"

namespace lxcri::attached {

namespace {

mode_t type_bits(const translate::OuterDevice& device) {
    return device.type == handoff::NodeType::block ? S_IFBLK : S_IFCHR;
}

void make_device(int directory, const std::string& name, const translate::OuterDevice& device) {
    os::check(::mknodat(directory, name.c_str(), type_bits(device),
                        ::makedev(device.major, device.minor)),
              "mknod", device.path);
    os::check(::fchownat(directory, name.c_str(), device.uid.value_or(-1U),
                         device.gid.value_or(-1U), AT_SYMLINK_NOFOLLOW),
              "chown", device.path);
    os::check(::fchmodat(directory, name.c_str(), device.mode.value_or(0666), 0), "chmod",
              device.path);
}

}  // namespace

os::UniqueFd make_devices(const std::vector<translate::OuterDevice>& devices) {
    os::NewFilesystem tmpfs("tmpfs");
    tmpfs.set_string("source", "dev");
    os::UniqueFd mount = tmpfs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        in_context(devices[i].pointer,
                   [&] { make_device(mount.get(), std::to_string(i), devices[i]); });
    }
    return mount;
}

}  // namespace lxcri::attached
