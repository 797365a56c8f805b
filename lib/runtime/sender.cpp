#include "runtime/sender.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/start_signal.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/namespace.h"
#include "os/user_namespace.h"

namespace lxcri::runtime {

namespace {

// Few, so that a low limit on open files is enough on both sides.
constexpr std::size_t kBatch = 8;

bool is_device(int fd, handoff::NodeType type, std::uint32_t major, std::uint32_t minor) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat");
    const mode_t wanted = type == handoff::NodeType::block ? S_IFBLK : S_IFCHR;
    return (status.st_mode & S_IFMT) == wanted && status.st_rdev == ::makedev(major, minor);
}

// Only a mount that is attached nowhere yet can get mappings: mount_setattr(2).
void map_ids(int mount_fd, const handoff::MountAction& mount) {
    const os::UniqueFd mappings = os::make_user_namespace(mount.uid_map, mount.gid_map);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(mappings.get());
    try {
        os::set_mount_attributes(mount_fd, mount.recursive_map, attributes, mount.source);
    } catch (const SystemError& error) {
        if (error.code() != EINVAL) throw;
        throw SystemError(EINVAL, "ID mappings, which the filesystem may not support, of",
                          mount.source);
    }
}

os::UniqueFd clone_dev_null() {
    os::UniqueFd mount = os::clone_mount(AT_FDCWD, "/dev/null", false);
    if (!is_device(mount.get(), handoff::NodeType::character, 1, 3)) {
        throw Error("/dev/null of this host is not the null device");
    }
    mount_attr attributes{};
    attributes.propagation = MS_PRIVATE;
    os::set_mount_attributes(mount.get(), false, attributes, "/dev/null");
    return mount;
}

}  // namespace

Sender::Sender(int channel, const translate::Plan& plan, int directory_fd,
               os::UniqueFd memory_entrance)
    : channel_(channel),
      plan_(plan),
      directory_fd_(directory_fd),
      memory_entrance_(std::move(memory_entrance)) {
    for (const auto& mount : plan.hook.mounts) {
        if (mount.kind != handoff::MountKind::bind) continue;
        sources_.push_back({concat(mount.pointer, "/source"), mount.source, mount.recursive,
                            nullptr, mount.uid_map.empty() ? nullptr : &mount});
    }
    if (!plan.hook.bind_devices) return;
    for (const auto& node : plan.hook.devices) {
        if (node.type == handoff::NodeType::fifo) continue;
        const std::string pointer = node.pointer.empty() ? "default device" : node.pointer;
        sources_.push_back({pointer, node.path, false, &node, nullptr});
    }
}

bool Sender::has_next() const noexcept {
    return step_ != Step::runtime_hooks && step_ != Step::done;
}

void Sender::send_next() {
    switch (step_) {
        case Step::start_plan:
            if (send_start_plan()) step_ = Step::hook_plan;
            return;
        case Step::hook_plan:
            if (send_hook_plan()) step_ = sources_.empty() ? Step::runtime_hooks : Step::sources;
            break;
        case Step::sources:
            if (send_sources() && next_source_ == sources_.size()) step_ = Step::runtime_hooks;
            break;
        case Step::init_plan:
            if (send_init_plan()) step_ = Step::preserved;
            break;
        case Step::preserved:
            if (!send_preserved()) return;
            break;
        case Step::runtime_hooks:
        case Step::done:
            return;
    }
    // Without such hooks there is nothing to wait for.
    if (step_ == Step::runtime_hooks && !plan_.hook.runtime_hooks) step_ = Step::init_plan;
    if (step_ == Step::preserved && next_preserved_ == plan_.init.process.preserved_fds) {
        step_ = Step::done;
    }
}

void Sender::proceed() {
    (void)handoff::send(channel_, handoff::MessageKind::proceed, {});
    step_ = Step::init_plan;
}

bool Sender::send(handoff::MessageKind kind, std::string_view body,
                  const std::vector<os::UniqueFd>& fds) {
    std::vector<int> numbers;
    numbers.reserve(fds.size());
    for (const auto& fd : fds) numbers.push_back(fd.get());
    return handoff::send(channel_, kind, body, numbers, true);
}

bool Sender::send_start_plan() {
    if (prepared_.empty()) {
        for (const auto& entry : plan_.host.namespaces) {
            prepared_.push_back(in_context(concat(entry.pointer, "/path"), [&] {
                return os::open_namespace(entry.path, entry.clone_flag);
            }));
        }
    }
    if (!send(handoff::MessageKind::start_plan, handoff::encode(plan_.start), prepared_)) {
        return false;
    }
    prepared_.clear();
    return true;
}

bool Sender::send_hook_plan() {
    if (prepared_.empty() && !plan_.hook.masked_paths.empty()) {
        prepared_.push_back(clone_dev_null());
    }
    if (!send(handoff::MessageKind::hook_plan, handoff::encode(plan_.hook), prepared_)) {
        return false;
    }
    prepared_.clear();
    return true;
}

bool Sender::send_sources() {
    const std::size_t end = std::min(next_source_ + kBatch, sources_.size());
    for (std::size_t i = next_source_ + prepared_.size(); i < end; ++i) {
        const Source& source = sources_[i];
        in_context(source.pointer, [&] {
            // In the runtime's mount namespace: only here is a copy of a shared mount its peer
            // (P5), and only here are all the paths open to us.
            os::UniqueFd mount = os::clone_mount(AT_FDCWD, source.path, source.recursive);
            if (source.node != nullptr && !is_device(mount.get(), source.node->type,
                                                     source.node->major, source.node->minor)) {
                throw Error(concat(quoted(source.path), " of the host is another device"));
            }
            if (source.mapped != nullptr) map_ids(mount.get(), *source.mapped);
            prepared_.push_back(std::move(mount));
        });
    }
    if (!send(handoff::MessageKind::sources, {}, prepared_)) return false;
    prepared_.clear();
    next_source_ = end;
    return true;
}

bool Sender::send_init_plan() {
    if (prepared_.empty()) {
        for (int number = 0; number <= 2; ++number) {
            if (((plan_.init.process.open_stdio >> static_cast<unsigned>(number)) & 1U) != 0) {
                prepared_.push_back(os::duplicate(number));
            }
        }
        auto fifos = handoff::make_start_fifos(directory_fd_);
        prepared_.push_back(std::move(fifos.start));
        prepared_.push_back(std::move(fifos.result));
        if (memory_entrance_.valid()) prepared_.push_back(std::move(memory_entrance_));
    }
    if (!send(handoff::MessageKind::init_plan, handoff::encode(plan_.init), prepared_)) {
        return false;
    }
    prepared_.clear();
    return true;
}

bool Sender::send_preserved() {
    const std::uint32_t count = plan_.init.process.preserved_fds;
    const std::uint32_t end = std::min(next_preserved_ + static_cast<std::uint32_t>(kBatch), count);
    std::vector<int> numbers;
    for (std::uint32_t i = next_preserved_; i < end; ++i)
        numbers.push_back(static_cast<int>(i) + 3);
    if (!handoff::send(channel_, handoff::MessageKind::sources, {}, numbers, true)) return false;
    next_preserved_ = end;
    return true;
}

}  // namespace lxcri::runtime
