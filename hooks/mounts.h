#pragma once
// The mounts of config.json, in their order.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "handoff/plan.h"
#include "os/unique_fd.h"

namespace lxcri::hooks {

// A directory that every host has. What is mounted on it for a moment is in the mount namespace of
// this process alone.
inline constexpr const char* kScratchDirectory = "/sys";

// The detached mounts that `create` makes in the runtime namespaces: HostPlan::sources. They arrive
// a few at a time, so that a thousand mounts need no thousand descriptors.
class SourceReceiver {
  public:
    explicit SourceReceiver(int channel) : channel_(channel) {}
    // One that is sent without being asked for.
    os::UniqueFd take(std::uint32_t number);
    os::UniqueFd ask_for(std::uint32_t number);

  private:
    int channel_;
    std::map<std::uint32_t, os::UniqueFd> waiting_;
};

// Attributes that would make the steps after a mount fail: a tmpfs becomes read-only after it has
// its mount points and devices, and a mount becomes unbindable after readonlyPaths are copied.
class DelayedAttributes {
  public:
    struct Entry {
        os::UniqueFd mount;
        std::string pointer;
        bool readonly = false;
        std::uint64_t propagation = 0;  // 0: has been set
    };
    void add(Entry entry) { entries_.push_back(std::move(entry)); }
    void apply();

  private:
    std::vector<Entry> entries_;
};

// Of the root filesystem, and of what the host has mounted in it: before anything is mounted there.
void set_root_propagation(int rootfs_fd, std::uint64_t flags);

// What is attached on top of the root covers nothing of it: Error when `target_fd`, which was found
// at `path`, is the root itself.
void refuse_root(int rootfs_fd, int target_fd, std::string_view path);

// Some filesystems can only be made with mount(2), for which lxcri-start has a place that no other
// process sees. A mount namespace that is shared with others has no such place: Error.
void refuse_old_way(const std::vector<handoff::MountAction>& mounts);

// Everything but to attach it: the mount has its attributes, and the place is found.
struct PreparedMount {
    os::UniqueFd mount;
    os::UniqueFd target;
    bool late_readonly = false;  // as DelayedAttributes::Entry says
    std::uint64_t late_propagation = 0;
};
// `mount`: the detached one; invalid: a filesystem, to be made here.
PreparedMount prepare_mount(int rootfs_fd, const handoff::MountAction& action, os::UniqueFd mount);

// A filesystem that is to be mounted elsewhere. No tmpfs: it looks like what it covers.
os::UniqueFd make_filesystem_outside(const handoff::MountAction& action);

// A procfs of another pid namespace, without a process in it: since Linux 6.18, nullopt before.
std::optional<os::UniqueFd> try_make_proc_of(int pid_namespace, const handoff::MountAction& action);

// Of a source that is in the root filesystem, as the mounts before it have left that.
os::UniqueFd copy_from_inside(int rootfs_fd, const handoff::MountAction& action);

void make_mount(int rootfs_fd, const handoff::MountAction& action, SourceReceiver& sources,
                DelayedAttributes& delayed);

// A bind on "/": its root, which is the root filesystem from then on. lxcri-init changes to it.
os::UniqueFd cover_root(int rootfs_fd, const handoff::MountAction& action, SourceReceiver& sources,
                        DelayedAttributes& delayed);

// A procfs on /proc for the way to lxcri-init; init takes it away again.
void mount_temporary_proc(int rootfs_fd);

}  // namespace lxcri::hooks
