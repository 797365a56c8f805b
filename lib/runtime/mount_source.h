#pragma once
// What gets from the host into a container as a mount: detached copies of what `mounts` binds, of
// devices, and filesystems that only the runtime can make.

#include "os/unique_fd.h"
#include "translate/plan.h"

namespace lxcri::runtime {

class MountSources {
  public:
    // The plan is borrowed.
    explicit MountSources(const translate::Plan& plan) : plan_(plan) {}

    const std::vector<translate::MountSource>& list() const { return plan_.host.sources; }
    // The detached mount, as the caller sees the host.
    os::UniqueFd open(const translate::MountSource& source) const;

  private:
    // The mount that it is for; null for a device.
    const handoff::MountAction* mount_of(const translate::MountSource& source) const;
    unsigned int flags_of(const translate::MountSource& source) const;
    os::UniqueFd clone_source(const translate::MountSource& source) const;
    os::UniqueFd clone_alone(const translate::MountSource& source) const;
    os::UniqueFd make_filesystem(const translate::MountSource& source) const;

    const translate::Plan& plan_;
};

// Is it the device with this number?
bool is_device(int fd, handoff::NodeType type, std::uint32_t major, std::uint32_t minor);

}  // namespace lxcri::runtime
