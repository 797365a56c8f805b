#include "runtime/sender.h"

#include "attached/made_devices.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/start_signal.h"
#include "os/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/namespace.h"

namespace lxcri::runtime {

namespace {

// Few, so that a low limit on open files is enough on both sides.
constexpr std::size_t kBatch = 8;

os::UniqueFd clone_dev_null() {
    os::UniqueFd mount = os::clone_mount(AT_FDCWD, "/dev/null", os::Reach::one_mount);
    if (!is_device(mount.get(), handoff::NodeType::character, 1, 3)) {
        throw Error("/dev/null of this host is not the null device");
    }
    mount_attr attributes{};
    attributes.propagation = MS_PRIVATE;
    os::set_mount_attributes(mount.get(), os::Reach::one_mount, attributes, "/dev/null");
    return mount;
}

}  // namespace

Sender::Sender(int channel, const translate::Plan& plan, int directory_fd,
               const HookFiles& hook_files, os::UniqueFd memory_entrance,
               const RootlessSetup* rootless)
    : channel_(channel),
      plan_(plan),
      sources_(plan),
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
    return handoff::send(channel_, kind, body, numbers, os::WhenFull::give_up);
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
                opened.push_back(sources_.open(sources()[i]));
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
    if (!handoff::send(channel_, handoff::MessageKind::sources, {}, numbers, os::WhenFull::give_up))
        return false;
    next_preserved_ = end;
    return true;
}

}  // namespace lxcri::runtime
