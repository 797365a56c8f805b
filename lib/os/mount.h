#pragma once
// The mount API of Linux 5.2+ (open_tree, move_mount, fsopen, mount_setattr) with owners and
// errors. Every mount is made detached, gets its attributes, and is attached last: so a mount is
// never visible with fewer restrictions than config.json asks for.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/kernel_mount.h"
#include "os/unique_fd.h"

namespace lxcri::os {

enum class Reach { one_mount, whole_tree };
constexpr Reach reach(bool recursive) {
    return recursive ? Reach::whole_tree : Reach::one_mount;
}

// open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path`. An empty path means
// the object of `dir_fd` itself. `flags`: AT_SYMLINK_NOFOLLOW takes a link at the end itself.
UniqueFd clone_mount(int dir_fd, const std::string& path, Reach reach, unsigned int flags = 0);

// mount_setattr(2) on the mount of `mount_fd`. `attributes` as in the manual page.
void set_mount_attributes(int mount_fd, Reach reach, const mount_attr& attributes,
                          std::string_view name);

// The same; returns the errno instead of throwing it, 0 for success.
int try_set_mount_attributes(int mount_fd, Reach reach, const mount_attr& attributes) noexcept;

// The ID that the mount of `fd` has as long as it exists (statx(2)).
std::uint64_t mount_id(int fd);
// Is there such a mount in this process's mount namespace, in sight of its root?
bool has_mount(std::uint64_t id);

// Is it on a procfs?
bool is_on_procfs(int fd);
// Is it the root of a procfs, and not a part of one?
bool is_root_of_procfs(int fd);

// umount2(2) with MNT_DETACH: takes away the mount whose root `fd` is, with all that is mounted in
// it.
void detach_mount(int fd, std::string_view name);

// move_mount(2): attaches the detached mount on the object of `target_fd`.
void attach_mount(int mount_fd, int target_fd, std::string_view name);

// A filesystem that is being configured: fsopen(2), fsconfig(2), fsmount(2).
class NewFilesystem {
  public:
    explicit NewFilesystem(const std::string& type);
    void set_flag(const std::string& key);
    void set_string(const std::string& key, const std::string& value);
    void set_option(const std::string& option);  // "key" or "key=value"
    // A directory, for those filesystems that take descriptors.
    void set_fd(const std::string& key, int value);
    // `attributes`: MOUNT_ATTR_*. The detached mount.
    UniqueFd mount(unsigned int attributes);

  private:
    void fail(std::string_view step) const;  // adds what the filesystem itself has to say

    std::string type_;
    UniqueFd fd_;
};

// fsconfig(2) takes no value of more than this, mount(2) does.
constexpr std::size_t kMaxFsconfigValue = 255;

// The same with mount(2): `flags` as there, `data` with commas between the options. It is mounted
// on `scratch`, a directory that no one else uses, for as long as it takes to copy the mount.
UniqueFd mount_detached(const std::string& type, const std::string& source, unsigned long flags,
                        const std::string& data, const char* scratch);

}  // namespace lxcri::os
