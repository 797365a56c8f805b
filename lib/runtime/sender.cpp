#include "runtime/sender.h"

#include "attached/made_devices.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
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
    // With the privilege for any map.
    const os::UniqueFd mappings = os::make_user_namespace([&](pid_t pid) {
        const std::string proc = concat("/proc/", std::to_string(pid));
        os::write_value_at(AT_FDCWD, concat(proc, "/uid_map"), mount.uid_map);
        os::write_value_at(AT_FDCWD, concat(proc, "/gid_map"), mount.gid_map);
    });
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

// What belongs to the host has the host's owner and mode.
void check_host_device(int fd, const translate::OuterDevice& device) {
    struct stat status {};
    os::check(::fstat(fd, &status), "fstat", device.path);
    const auto check = [&](const char* member, std::optional<std::uint32_t> asked,
                           std::uint32_t found, const std::string& text) {
        if (!asked || *asked == found) return;
        throw SpecError(concat(device.pointer, "/", member),
                        concat("cannot be applied: ", in_quotes(device.path),
                               " is the host's device, which has ", text));
    };
    const mode_t mode = status.st_mode & 07777U;
    check("fileMode", device.mode, mode, concat("the mode ", std::to_string(mode)));
    check("uid", device.uid, status.st_uid, concat("the user ", std::to_string(status.st_uid)));
    check("gid", device.gid, status.st_gid, concat("the group ", std::to_string(status.st_gid)));
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
               const HookFiles& hook_files, os::UniqueFd memory_entrance,
               const RootlessSetup* rootless)
    : channel_(channel),
      plan_(plan),
      directory_fd_(directory_fd),
      hook_files_(hook_files),
      rootless_(rootless),
      memory_entrance_(std::move(memory_entrance)) {}

bool Sender::has_next() const noexcept {
    if (step_ == Step::sources && sources()[next_source_].late) return source_is_wanted_;
    return step_ != Step::root_mount && step_ != Step::net_devices &&
           step_ != Step::runtime_hooks && step_ != Step::done;
}

void Sender::send_next() {
    switch (step_) {
        case Step::start_plan:
            if (send_start_plan()) step_ = Step::hook_plan;
            return;
        case Step::hook_plan:
            if (send_hook_plan()) step_ = Step::root_mount;
            break;
        case Step::sources:
            if (!send_sources()) return;
            break;
        case Step::init_plan:
            if (send_init_plan()) step_ = Step::preserved;
            break;
        case Step::preserved:
            if (!send_preserved()) return;
            break;
        case Step::root_mount:
        case Step::net_devices:
        case Step::runtime_hooks:
        case Step::done:
            return;
    }
    skip_empty_steps();
}

// Without such mounts, devices, sources or hooks there is nothing to wait for, or to send.
void Sender::skip_empty_steps() {
    if (step_ == Step::root_mount && !plan_.hook.shares_mounts) step_ = Step::net_devices;
    if (step_ == Step::net_devices && !plan_.hook.net_devices) step_ = Step::sources;
    if (step_ == Step::sources && next_source_ == sources().size()) step_ = Step::runtime_hooks;
    if (step_ == Step::runtime_hooks && !plan_.hook.runtime_hooks) step_ = Step::init_plan;
    if (step_ == Step::preserved && next_preserved_ == plan_.init.process.preserved_fds) {
        step_ = Step::done;
    }
}

void Sender::answer(handoff::MessageKind kind) {
    struct Answer {
        Step to;
        handoff::MessageKind kind;
        Step next;
    };
    constexpr std::array<Answer, 3> kAnswers{{
        {Step::root_mount, handoff::MessageKind::root_mount_recorded, Step::net_devices},
        {Step::net_devices, handoff::MessageKind::net_devices_moved, Step::sources},
        {Step::runtime_hooks, handoff::MessageKind::runtime_hooks_done, Step::init_plan},
    }};
    const auto found = std::find_if(kAnswers.begin(), kAnswers.end(), [&](const Answer& row) {
        return row.to == step_ && row.kind == kind;
    });
    if (found == kAnswers.end()) throw Error("internal error: a request out of turn");
    (void)handoff::send(channel_, kind, {});
    step_ = found->next;
    skip_empty_steps();
}

void Sender::want_source(std::uint32_t number) {
    if (step_ != Step::sources || number != next_source_ || !sources()[number].late) {
        throw Error("internal error: a mount source out of turn");
    }
    source_is_wanted_ = true;
}

bool Sender::send(handoff::MessageKind kind, std::string_view body,
                  const std::vector<os::UniqueFd>& fds) {
    std::vector<int> numbers;
    numbers.reserve(fds.size());
    for (const auto& fd : fds) numbers.push_back(fd.get());
    return handoff::send(channel_, kind, body, numbers, true);
}

const handoff::MountAction* Sender::mount_of(const Source& source) const {
    return source.mount ? &plan_.hook.mounts.at(*source.mount) : nullptr;
}

// For open_tree(2).
unsigned int Sender::flags_of(const Source& source) const {
    const auto* mount = mount_of(source);
    return mount != nullptr && mount->source_nofollow ? AT_SYMLINK_NOFOLLOW : 0U;
}

// In a user namespace of its own a process gets all mounts below one, or none: alone it would show
// what they cover (mount_namespaces(7), "locked"). The kernel says EINVAL then.
os::UniqueFd Sender::clone_alone(const Source& source) const {
    try {
        return os::clone_mount(AT_FDCWD, source.path, false, flags_of(source));
    } catch (const SystemError& error) {
        if (error.code() != EINVAL) throw;
    }
    os::UniqueFd all = os::clone_mount(AT_FDCWD, source.path, true, flags_of(source));
    const auto* mount = mount_of(source);
    if (mount == nullptr || mount->type != "cgroup") {
        throw Error(concat("the mounts below ", in_quotes(source.path),
                           " cannot be left out in a user namespace: the option \"rbind\" takes "
                           "them along"));
    }
    // The bind is our choice: the mounts below are not asked for, so they get no more rights.
    mount_attr attributes{};
    attributes.attr_set = mount->set;
    os::set_mount_attributes(all.get(), true, attributes, source.path);
    return all;
}

os::UniqueFd Sender::clone_source(const Source& source) const {
    const auto* device = source.device ? &plan_.host.devices.at(*source.device) : nullptr;
    os::UniqueFd copy = in_context(source.pointer, [&] {
        // In the runtime's mount namespace: only here is a copy of a shared mount its peer (P5),
        // and only here are all the paths open to us.
        os::UniqueFd mount = source.recursive
                                 ? os::clone_mount(AT_FDCWD, source.path, true, flags_of(source))
                                 : clone_alone(source);
        if (device != nullptr &&
            !is_device(mount.get(), device->type, device->major, device->minor)) {
            throw Error(concat(in_quotes(source.path), " of the host is another device"));
        }
        const auto* action = mount_of(source);
        if (action != nullptr && !action->uid_map.empty()) map_ids(mount.get(), *action);
        return mount;
    });
    if (device != nullptr) check_host_device(copy.get(), *device);
    return copy;
}

// In the namespace that it shows. The mount hook gives it its attributes.
os::UniqueFd Sender::make_filesystem(const Source& source) const {
    const auto& shown = *source.shown;
    const handoff::MountAction& mount = *mount_of(source);
    const auto make = [&] {
        os::NewFilesystem filesystem(mount.type);
        filesystem.set_string("source", mount.source);
        for (const auto& flag : mount.flags) filesystem.set_flag(flag);
        for (const auto& option : mount.data) filesystem.set_option(option);
        std::vector<os::UniqueFd> made;
        made.push_back(filesystem.mount(0));
        return made;
    };
    const auto entered = [&] {
        // Those who are in the namespace may see this process: ptrace(2).
        os::check(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl PR_SET_DUMPABLE");
        const auto fd = os::open_namespace(shown.path, shown.clone_flag);
        os::check(::setns(fd.get(), shown.clone_flag), "setns", shown.path);
        // Of a pid namespace the children are in it: pid_namespaces(7).
        return shown.clone_flag == CLONE_NEWPID ? handoff::call_in_child(make) : make();
    };
    return in_context(mount.pointer,
                      [&] { return std::move(handoff::call_in_child(entered).at(0)); });
}

os::UniqueFd Sender::open_source(const Source& source) const {
    return source.shown ? make_filesystem(source) : clone_source(source);
}

std::vector<os::UniqueFd> Sender::open_privileged(
    const std::function<std::vector<os::UniqueFd>()>& open) const {
    return rootless_ == nullptr ? open() : rootless_->open_inside(open);
}

os::UniqueFd Sender::open_namespace(const translate::NamespaceToJoin& entry) const {
    if (rootless_ != nullptr && entry.clone_flag == CLONE_NEWUSER) {
        return os::duplicate(rootless_->user_namespace());
    }
    return in_context(concat(entry.pointer, "/path"),
                      [&] { return os::open_namespace(entry.path, entry.clone_flag); });
}

void Sender::prepare_hook_files(bool wanted) {
    if (!wanted) return;
    for (auto& file : hook_files_.duplicates()) prepared_.push_back(std::move(file));
}

bool Sender::send_start_plan() {
    if (prepared_.empty()) {
        for (const auto& entry : plan_.host.namespaces) {
            prepared_.push_back(open_namespace(entry));
        }
    }
    if (!send(handoff::MessageKind::start_plan, handoff::encode(plan_.start), prepared_)) {
        return false;
    }
    prepared_.clear();
    return true;
}

// In the order in which they are documented in handoff/plan.h.
void Sender::prepare_hook_plan() {
    if (!plan_.hook.masked_paths.empty()) {
        prepared_ = open_privileged([] {
            std::vector<os::UniqueFd> opened;
            opened.push_back(clone_dev_null());
            return opened;
        });
    }
    if (plan_.hook.made_devices) {
        prepared_.push_back(attached::make_devices(plan_.host.devices));
    }
    prepare_hook_files(plan_.hook.hook_out || plan_.hook.hook_err);
    if (plan_.host.shared_mounts) {
        shared_mounts_ = open_namespace(*plan_.host.shared_mounts);
        prepared_.push_back(os::duplicate(shared_mounts_.get()));
    }
}

bool Sender::send_hook_plan() {
    if (prepared_.empty()) prepare_hook_plan();
    if (!send(handoff::MessageKind::hook_plan, handoff::encode(plan_.hook), prepared_)) {
        return false;
    }
    prepared_.clear();
    return true;
}

bool Sender::send_sources() {
    std::size_t end = next_source_ + 1;
    while (end < sources().size() && end < next_source_ + kBatch && !sources()[end].late) ++end;
    if (prepared_.empty()) {
        prepared_ = open_privileged([&] {
            std::vector<os::UniqueFd> opened;
            for (std::size_t i = next_source_; i < end; ++i) {
                opened.push_back(open_source(sources()[i]));
            }
            return opened;
        });
    }
    const handoff::SourceNumber first{static_cast<std::uint32_t>(next_source_)};
    if (!send(handoff::MessageKind::sources, handoff::encode(first), prepared_)) return false;
    prepared_.clear();
    source_is_wanted_ = false;
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
        if (shared_mounts_.valid()) {
            prepared_.push_back(std::move(shared_mounts_));
            prepared_.push_back(std::move(root_));
        }
        prepare_hook_files(plan_.init.hook_out || plan_.init.hook_err);
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
