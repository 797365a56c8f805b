#include "devices.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/strings.h"
#include "mounts.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/rooted_path.h"

namespace lxcri::hooks {

namespace {

using handoff::DeviceNode;
using handoff::NodeType;
using os::RootedDir;
using os::UniqueFd;

mode_t type_bits(NodeType type) {
    switch (type) {
        case NodeType::character:
            return S_IFCHR;
        case NodeType::block:
            return S_IFBLK;
        case NodeType::fifo:
            return S_IFIFO;
    }
    throw Error("internal error: unknown node type");
}

dev_t number_of(const DeviceNode& node) {
    return node.type == NodeType::fifo ? 0 : ::makedev(node.major, node.minor);
}

// config-linux.md: "if a file already exists at path that does not match the requested device, the
// runtime MUST generate an error".
void check_existing(int node_fd, const DeviceNode& node) {
    struct stat status {};
    os::check(::fstat(node_fd, &status), "stat", node.path);
    const bool same_type = (status.st_mode & S_IFMT) == type_bits(node.type);
    if (!same_type || (node.type != NodeType::fifo && status.st_rdev != number_of(node))) {
        throw Error(concat(in_quotes(node.path), " exists already and is something else"));
    }
}

// In /dev a link of the image is an attack: devices are not made where it leads
// (CVE-2026-41579).
RootedDir root_for(int rootfs_fd, const DeviceNode& node) {
    const bool in_dev = os::is_same_or_below(node.path, "/dev");
    return RootedDir(rootfs_fd, in_dev ? os::Links::refuse : os::Links::follow);
}

}  // namespace

void make_node(int rootfs_fd, const DeviceNode& node) {
    const auto [parent, last] = os::split_parent(node.path);
    const std::string name(last);
    const UniqueFd dir = root_for(rootfs_fd, node).make_directories(parent, 0755);
    const mode_t mode = type_bits(node.type) | (node.mode & 07777U);
    const bool is_new = ::mknodat(dir.get(), name.c_str(), mode, number_of(node)) == 0;
    if (!is_new && errno != EEXIST) throw SystemError(errno, "mknod", node.path);
    if (is_new && node.uid == 0 && node.gid == 0) return;
    // It is one that was there, or in a folder that others write to it may be another one by now.
    const UniqueFd made = os::open_at(dir.get(), name, O_PATH | O_NOFOLLOW);
    check_existing(made.get(), node);
    if (is_new) {
        os::check(::fchownat(made.get(), "", node.uid, node.gid, AT_EMPTY_PATH), "chown",
                  node.path);
    }
}

void bind_node(int rootfs_fd, const DeviceNode& node, const UniqueFd& source) {
    const UniqueFd target = root_for(rootfs_fd, node).make_file(node.path, 0644);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    attributes.propagation = MS_PRIVATE;
    os::set_mount_attributes(source.get(), os::Reach::one_mount, attributes, node.path);
    os::attach_mount(source.get(), target.get(), node.path);
}

MadeNodes::MadeNodes(int tmpfs) : tmpfs_(tmpfs) {
    const UniqueFd place = os::open_at(AT_FDCWD, kScratchDirectory, O_PATH | O_DIRECTORY);
    os::attach_mount(tmpfs, place.get(), kScratchDirectory);
}

// Where this fails, so does the command, and the mount namespace ends.
MadeNodes::~MadeNodes() {
    (void)::umount2(concat("/proc/self/fd/", std::to_string(tmpfs_)).c_str(), MNT_DETACH);
}

UniqueFd MadeNodes::take(std::uint32_t number) const {
    return os::clone_mount(tmpfs_, std::to_string(number), os::Reach::one_mount);
}

namespace {

struct Link {
    const char* name;
    const char* target;
};

constexpr std::array<Link, 4> kLinks{{
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
}};

void make_link(int dir_fd, const Link& link) {
    const int error = os::try_make_symlink(link.target, dir_fd, link.name);
    if (error != 0 && error != EEXIST) {
        throw SystemError(error, "symlink", concat("/dev/", link.name));
    }
}

}  // namespace

void make_device_nodes(int rootfs_fd, const handoff::HookPlan& plan, SourceReceiver& sources,
                       const UniqueFd& made) {
    std::optional<MadeNodes> nodes;
    if (plan.made_devices) nodes.emplace(made.get());
    for (const auto& node : plan.devices) {
        in_context(node.pointer.empty() ? "default device" : node.pointer, [&] {
            if (node.source_index) {
                bind_node(
                    rootfs_fd, node,
                    nodes ? nodes->take(*node.source_index) : sources.take(*node.source_index));
            } else {
                make_node(rootfs_fd, node);
            }
        });
    }
}

void make_dev_links(int rootfs_fd) {
    const UniqueFd dev = RootedDir(rootfs_fd, os::Links::refuse).make_directories("/dev", 0755);
    for (const auto& link : kLinks) make_link(dev.get(), link);
    if (RootedDir(rootfs_fd).find("/proc/kcore", O_PATH))
        make_link(dev.get(), {"core", "/proc/kcore"});
    // runtime-linux.md and every caller: the multiplexer is that of the container's own devpts.
    if (::unlinkat(dev.get(), "ptmx", 0) == -1 && errno != ENOENT) {
        throw SystemError(errno, "unlink", "/dev/ptmx");
    }
    make_link(dev.get(), {"ptmx", "pts/ptmx"});
}

void make_console_file(int rootfs_fd) {
    const UniqueFd dev = RootedDir(rootfs_fd, os::Links::refuse).make_directories("/dev", 0755);
    const UniqueFd made(
        ::openat(dev.get(), "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (made.valid() || errno == EEXIST) return;
    throw SystemError(errno, "/process/terminal: make", "/dev/console");
}

}  // namespace lxcri::hooks
