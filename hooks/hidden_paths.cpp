#include "hidden_paths.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/strings.h"
#include "mounts.h"
#include "os/check.h"
#include "os/mount.h"
#include "os/rooted_path.h"

namespace lxcri::hooks {

namespace {

using os::RootedDir;
using os::UniqueFd;

// One mount that covers many paths: the first time it is attached itself, later copies of it are.
class Cover {
  public:
    explicit Cover(UniqueFd mount) : mount_(std::move(mount)) {}

    void put_on(int target_fd, const std::string& path) {
        if (!attached_) {
            os::attach_mount(mount_.get(), target_fd, path);
            attached_ = true;
            return;
        }
        os::attach_mount(os::clone_mount(mount_.get(), {}, os::Reach::one_mount).get(), target_fd,
                         path);
    }

  private:
    UniqueFd mount_;
    bool attached_ = false;
};

UniqueFd make_empty_directory(const std::string& label) {
    os::NewFilesystem tmpfs("tmpfs");
    tmpfs.set_string("source", "tmpfs");
    tmpfs.set_string("nr_inodes", "1");
    tmpfs.set_string("size", "4096");
    tmpfs.set_string("mode", "755");
    if (!label.empty()) tmpfs.set_string("context", label);
    return tmpfs.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                       MOUNT_ATTR_NOEXEC);
}

bool is_directory(int fd, const std::string& path) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat", path);
    return S_ISDIR(status.st_mode);
}

std::string pointer(const char* property, std::size_t index) {
    return concat("/linux/", property, "/", std::to_string(index));
}

}  // namespace

void mask_paths(int rootfs_fd, const std::vector<std::string>& paths, UniqueFd dev_null,
                const std::string& label) {
    const RootedDir root(rootfs_fd);
    Cover file_cover(std::move(dev_null));
    std::optional<Cover> directory_cover;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        in_context(pointer("maskedPaths", i), [&] {
            const auto target = root.find(paths[i], O_PATH);
            if (!target) return;
            refuse_root(rootfs_fd, target->get(), paths[i]);
            if (!is_directory(target->get(), paths[i])) {
                return file_cover.put_on(target->get(), paths[i]);
            }
            if (!directory_cover) directory_cover.emplace(make_empty_directory(label));
            directory_cover->put_on(target->get(), paths[i]);
        });
    }
}

void make_paths_readonly(int rootfs_fd, const std::vector<std::string>& paths) {
    const RootedDir root(rootfs_fd);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        in_context(pointer("readonlyPaths", i), [&] {
            const auto target = root.find(paths[i], O_PATH);
            if (!target || normalized_path(paths[i]) == "/") return;  // the root: by init
            refuse_root(rootfs_fd, target->get(), paths[i]);
            // A copy on top of the original keeps nosuid, nodev and noexec as they are.
            const UniqueFd copy = os::clone_mount(target->get(), {}, os::Reach::whole_tree);
            mount_attr attributes{};
            attributes.attr_set = MOUNT_ATTR_RDONLY;
            os::set_mount_attributes(copy.get(), os::Reach::whole_tree, attributes, paths[i]);
            os::attach_mount(copy.get(), target->get(), paths[i]);
        });
    }
}

}  // namespace lxcri::hooks
