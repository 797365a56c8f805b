#include "plug.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "devices.h"
#include "handoff/call_in_child.h"
#include "handoff/channel.h"
#include "handoff/plug.h"
#include "mounts.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/mountinfo.h"
#include "os/process.h"
#include "os/rooted_path.h"

namespace lxcri::hooks {

namespace {

using handoff::kChannelFd;
using handoff::MessageKind;
using handoff::MountAction;
using handoff::MountKind;
using handoff::PlugPlace;
using handoff::PlugRemoval;
using handoff::PlugRequest;
using os::RootedDir;
using os::UniqueFd;

struct Request {
    PlugRequest asked;
    UniqueFd container;  // a pidfd
    UniqueFd mounts;     // its mount namespace
    UniqueFd devices;    // a tmpfs, where the request says so
};

Request receive_request() {
    auto message = handoff::expect(kChannelFd, MessageKind::join_plan);
    Request request;
    request.asked = handoff::decode<PlugRequest>(message.body);
    if (message.fds.size() != (request.asked.made_devices ? 3U : 2U)) {
        throw Error("internal error: the request came without descriptors");
    }
    request.container = std::move(message.fds[0]);
    request.mounts = std::move(message.fds[1]);
    if (request.asked.made_devices) request.devices = std::move(message.fds[2]);
    return request;
}

// No process of the container can look into this one, and it ends with the runtime. A change of
// credentials undoes both.
void protect(pid_t runtime) {
    (void)::prctl(PR_SET_DUMPABLE, 0);
    os::end_with_parent(runtime);
}

// As root of the container, but still with the host's files in sight.
void join_all_but_mounts(const Request& request, pid_t runtime) {
    const int namespaces = static_cast<int>(request.asked.namespaces) & ~CLONE_NEWNS;
    if (namespaces == 0) return;
    os::check(::setns(request.container.get(), namespaces), "join the container's namespaces");
    if ((namespaces & CLONE_NEWUSER) != 0) {
        const bool has_root = ::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0;
        if (!has_root && errno != EINVAL) {
            throw SystemError(errno, "become root of the container");
        }
    }
    protect(runtime);
}

// A mount namespace of our own: what is mounted in it for a moment stays in it, and the kernel lets
// root of a user namespace mount only in one that belongs to that.
void leave_host_mounts() {
    os::check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
    const UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    mount_attr attributes{};
    attributes.propagation = MS_PRIVATE;
    os::set_mount_attributes(root.get(), os::Reach::whole_tree, attributes, "/");
}

// A tmpfs needs nothing of the host, and looks like what it covers.
bool is_made_outside(const MountAction& action) {
    return action.kind == MountKind::filesystem && action.type != "tmpfs";
}

// Of the pid namespace in which children of this process would be.
UniqueFd make_proc(const PlugRequest& request, const MountAction& action) {
    const UniqueFd pids = os::open_at(AT_FDCWD, "/proc/self/ns/pid_for_children", O_RDONLY);
    if (auto made = try_make_proc_of(pids.get(), action)) return std::move(*made);
    // An older kernel asks for a process in the pid namespace. Root of the container cannot trace
    // it, because it is not dumpable; with CAP_SYS_PTRACE in our own user namespace it can.
    if ((request.namespaces & CLONE_NEWUSER) == 0) {
        throw Error("a procfs for a running container that has no user namespace needs Linux 6.18");
    }
    auto made = handoff::call_in_child([&] {
        std::vector<UniqueFd> fds;
        fds.push_back(make_filesystem_outside(action));
        return fds;
    });
    return std::move(made.at(0));
}

UniqueFd make_outside(const PlugRequest& request, const MountAction& action) {
    return in_context(action.pointer, [&] {
        if (action.type != "proc" || (request.namespaces & CLONE_NEWPID) == 0) {
            return make_filesystem_outside(action);
        }
        return make_proc(request, action);
    });
}

// What is there before the mounts are the container's: an invalid one is made later.
std::vector<UniqueFd> take_mounts(const PlugRequest& request) {
    SourceReceiver sources(kChannelFd);
    std::vector<UniqueFd> mounts;
    for (const auto& action : request.mounts) {
        UniqueFd mount;
        if (is_made_outside(action)) mount = make_outside(request, action);
        if (action.kind == MountKind::bind && !action.source_inside) {
            mount = sources.take(action.source_index.value());
        }
        mounts.push_back(std::move(mount));
    }
    return mounts;
}

std::vector<UniqueFd> take_devices(const Request& request) {
    std::vector<UniqueFd> mounts;
    SourceReceiver sources(kChannelFd);
    std::optional<MadeNodes> nodes;
    if (request.devices.valid()) nodes.emplace(request.devices.get());
    for (const auto& node : request.asked.devices) {
        UniqueFd mount;
        if (node.source_index) {
            mount = nodes ? nodes->take(*node.source_index) : sources.take(*node.source_index);
        }
        mounts.push_back(std::move(mount));
    }
    return mounts;
}

bool leaves_host_mounts(const PlugRequest& request) {
    return request.made_devices ||
           std::any_of(request.mounts.begin(), request.mounts.end(), is_made_outside);
}

PlugPlace place_of(int mount_fd) {
    struct stat status {};
    os::check(::fstat(mount_fd, &status), "fstat");
    return {os::mount_id(mount_fd), status.st_dev, status.st_ino, false};
}

// The runtime writes it down before it is there.
void announce(const PlugPlace& place) {
    handoff::send(kChannelFd, MessageKind::ready, handoff::encode(place));
    (void)handoff::expect(kChannelFd, MessageKind::recorded);
}

void add_mount(int root, const MountAction& action, UniqueFd mount) {
    if (action.source_inside) mount = copy_from_inside(root, action);
    if (action.copy_symlink && mount.valid() && os::find_link_text(mount.get())) {
        throw Error("copy-symlink: the source is a symbolic link, which is no mount");
    }
    PreparedMount prepared = prepare_mount(root, action, std::move(mount));
    // Nothing is mounted on it later.
    DelayedAttributes rest;
    rest.add({os::duplicate(prepared.mount.get()), action.pointer, prepared.late_readonly,
              prepared.late_propagation});
    rest.apply();
    announce(place_of(prepared.mount.get()));
    os::attach_mount(prepared.mount.get(), prepared.target.get(), action.destination);
}

void add_device(int root, const handoff::DeviceNode& node, const UniqueFd& mount) {
    PlugPlace place;
    if (mount.valid()) place = place_of(mount.get());
    place.found = RootedDir(root).find(node.path, O_PATH | O_NOFOLLOW).has_value();
    announce(place);
    if (mount.valid()) {
        bind_node(root, node, mount);
    } else {
        make_node(root, node);
    }
}

// ---------------------------------------------------------------- take away

struct Mounted {
    std::string path;  // from our root on, which is the container's
    bool covered = false;
};

// `proc`: the host's procfs, which the container cannot forge.
std::optional<Mounted> find_mounted(int proc, std::uint64_t id) {
    const std::string text = os::read_file_at(proc, "self/mountinfo");
    const auto mounts = os::parse_mount_lines(text);
    const auto found = std::find_if(mounts.begin(), mounts.end(), [&](const auto& mount) {
        return static_cast<std::uint64_t>(mount.id) == id;
    });
    if (found == mounts.end()) return {};
    const bool covered = std::any_of(mounts.begin(), mounts.end(), [&](const auto& mount) {
        return mount.parent == found->id && mount.mount_point == found->mount_point;
    });
    return Mounted{os::unescape_mount(found->mount_point), covered};
}

// An ID is given again when its mount has gone.
bool is_same(const PlugPlace& left, const PlugPlace& right) {
    return left.mount_id == right.mount_id && left.device == right.device &&
           left.inode == right.inode;
}

// False when the container has taken it away already.
bool unmount(int root, int proc, const PlugPlace& place) {
    const auto mounted = find_mounted(proc, place.mount_id);
    if (!mounted) return false;
    const std::string where = in_quotes(mounted->path);
    const auto covered = [&] { return Error(concat("another mount is on top of it, on ", where)); };
    if (mounted->covered) throw covered();
    const auto found = RootedDir(root).find(mounted->path, O_PATH | O_NOFOLLOW);
    if (!found || os::mount_id(found->get()) != place.mount_id) {
        throw Error(concat("it is on ", where, ", which leads elsewhere"));
    }
    if (!is_same(place_of(found->get()), place)) return false;
    os::check(::fchdir(proc), "fchdir");
    const std::string name = concat("self/fd/", std::to_string(found->get()));
    os::check(::umount2(name.c_str(), MNT_DETACH), "umount", mounted->path);
    // umount(2) takes what is on top. A process of the container that mounts there between the look
    // and the call loses that mount.
    if (find_mounted(proc, place.mount_id)) throw covered();
    return true;
}

bool is_device(const struct stat& status, const handoff::DeviceNode& node) {
    if (node.type == handoff::NodeType::fifo) return S_ISFIFO(status.st_mode);
    const mode_t type = node.type == handoff::NodeType::block ? S_IFBLK : S_IFCHR;
    return (status.st_mode & S_IFMT) == type && status.st_rdev == ::makedev(node.major, node.minor);
}

// The node, or the empty file that it was bound on. What the container has put there instead stays.
bool unlink_node(int root, const PlugRemoval& removal) {
    const auto [parent, last] = os::split_parent(removal.node.path);
    const std::string name(last);
    const auto dir = RootedDir(root).find(parent, O_PATH | O_DIRECTORY);
    if (!dir) return false;
    struct stat status {};
    if (::fstatat(dir->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1) return false;
    const bool is_it = removal.place.mount_id == 0 ? is_device(status, removal.node)
                                                   : S_ISREG(status.st_mode) && status.st_size == 0;
    if (!is_it) return false;
    if (::unlinkat(dir->get(), name.c_str(), 0) == 0 || errno == ENOENT) return true;
    throw SystemError(errno, "unlink", removal.node.path);
}

void take_away(int root, int proc, const PlugRemoval& removal) {
    const bool is_mount = removal.place.mount_id != 0;
    bool there = is_mount && unmount(root, proc, removal.place);
    if (removal.is_device && !removal.place.found) {
        const bool unlinked = unlink_node(root, removal);
        there = is_mount ? there : unlinked;
    }
    PlugPlace answer = removal.place;
    answer.found = there;
    announce(answer);
}

void plug() {
    const pid_t runtime = ::getppid();
    const Request request = receive_request();
    const PlugRequest& asked = request.asked;
    const UniqueFd proc = os::open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    ::umask(0);  // modes are given exactly
    join_all_but_mounts(request, runtime);
    if (leaves_host_mounts(asked)) leave_host_mounts();
    auto mounts = take_mounts(asked);
    const auto devices = take_devices(request);

    os::check(::setns(request.mounts.get(), CLONE_NEWNS), "join the container's mount namespace");
    const UniqueFd root = os::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    for (std::size_t i = 0; i < asked.mounts.size(); ++i) {
        const auto& action = asked.mounts[i];
        in_context(action.pointer, [&] { add_mount(root.get(), action, std::move(mounts[i])); });
    }
    for (std::size_t i = 0; i < asked.devices.size(); ++i) {
        const auto& node = asked.devices[i];
        in_context(node.pointer, [&] { add_device(root.get(), node, devices[i]); });
    }
    for (const auto& removal : asked.removals) take_away(root.get(), proc.get(), removal);
    handoff::send(kChannelFd, MessageKind::ready, {});
}

}  // namespace

int run_plug() noexcept {
    protect(::getppid());
    os::reset_signals();
    try {
        os::close_on_exec_from(3);
        plug();
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        handoff::send_failure(kChannelFd, error);
        return EXIT_FAILURE;
    }
}

}  // namespace lxcri::hooks
