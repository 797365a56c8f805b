#include "mount_hook.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "devices.h"
#include "handoff/channel.h"
#include "handoff/plan.h"
#include "handoff/run_hooks.h"
#include "hidden_paths.h"
#include "loopback.h"
#include "mounts.h"
#include "os/check.h"
#include "os/file.h"
#include "os/process.h"
#include "shared_mounts.h"
#include "sysctl.h"

namespace {

using namespace lxcri;
using handoff::MessageKind;

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? "" : value;
}

// prestart and createRuntime belong into the runtime namespaces (config.md "Hooks"): create runs
// them, now that namespaces and mounts exist.
void wait_for_runtime_hooks() {
    // Our parent is the process that becomes init. So create learns its pid even if /proc shows its
    // user nothing of us (hidepid).
    const os::UniqueFd init(static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0)));
    std::vector<int> fds;
    if (init.valid()) fds.push_back(init.get());
    handoff::send(handoff::kChannelFd, MessageKind::runtime_hooks, {}, fds);
    (void)handoff::expect(handoff::kChannelFd, MessageKind::runtime_hooks_done);
}

// To move a network device takes privilege in both namespaces: create does it. Before everything
// that may be about these devices.
void wait_for_net_devices() {
    handoff::send(handoff::kChannelFd, MessageKind::net_devices, {});
    (void)handoff::expect(handoff::kChannelFd, MessageKind::net_devices_moved);
}

// Each mount that is finished late keeps a descriptor until then. No program inherits this limit.
class ManyDescriptors {
  public:
    ManyDescriptors() {
        (void)::getrlimit(RLIMIT_NOFILE, &old_);
        const rlimit all{old_.rlim_max, old_.rlim_max};
        (void)::setrlimit(RLIMIT_NOFILE, &all);
    }
    ManyDescriptors(const ManyDescriptors&) = delete;
    ManyDescriptors& operator=(const ManyDescriptors&) = delete;
    ~ManyDescriptors() { (void)::setrlimit(RLIMIT_NOFILE, &old_); }

  private:
    rlimit old_{};
};

void make_mounts(os::UniqueFd root, const handoff::HookPlan& plan, os::UniqueFd dev_null,
                 const os::UniqueFd& devices) {
    const ManyDescriptors limit;
    hooks::SourceReceiver sources(handoff::kChannelFd);
    hooks::DelayedAttributes delayed;
    hooks::set_root_propagation(root.get(), plan.root_propagation);
    for (const auto& mount : plan.mounts) {
        if (mount.destination == "/") {
            root = hooks::cover_root(root.get(), mount, sources, delayed);
        } else {
            hooks::make_mount(root.get(), mount, sources, delayed);
        }
    }
    const int rootfs = root.get();
    if (plan.temporary_proc) hooks::mount_temporary_proc(rootfs);
    if (plan.set_up_dev) {
        hooks::make_device_nodes(rootfs, plan, sources, devices);
        hooks::make_dev_links(rootfs);
    }
    if (plan.console) hooks::make_console_file(rootfs);
    hooks::write_sysctls(rootfs, plan.sysctls);
    hooks::mask_paths(rootfs, plan.masked_paths, std::move(dev_null), plan.mount_label);
    hooks::make_paths_readonly(rootfs, plan.readonly_paths);
    delayed.apply();
}

// What came with the plan.
struct Descriptors {
    os::UniqueFd dev_null;  // where something is to be masked
    os::UniqueFd devices;   // where the plan says so
    os::UniqueFd hook_out;  // likewise
    os::UniqueFd hook_err;
    os::UniqueFd shared_mounts;  // likewise
};

Descriptors take_descriptors(std::vector<os::UniqueFd> fds, const handoff::HookPlan& plan) {
    std::size_t next = 0;
    const auto take = [&](bool is_there) {
        if (!is_there) return os::UniqueFd();
        if (next >= fds.size()) throw Error("internal error: the plan came without descriptors");
        return std::move(fds[next++]);
    };
    Descriptors result;
    result.dev_null = take(!plan.masked_paths.empty());
    result.devices = take(plan.made_devices);
    result.hook_out = take(plan.hook_out);
    result.hook_err = take(plan.hook_err);
    result.shared_mounts = take(plan.shares_mounts);
    return result;
}

void set_up_container() {
    auto message = handoff::expect(handoff::kChannelFd, MessageKind::hook_plan);
    const auto plan = handoff::decode<handoff::HookPlan>(message.body);
    Descriptors descriptors = take_descriptors(std::move(message.fds), plan);
    const std::string rootfs_path = environment("LXC_ROOTFS_MOUNT");
    os::UniqueFd rootfs = os::open_at(AT_FDCWD, rootfs_path, O_PATH | O_DIRECTORY);

    // Modes are given exactly.
    ::umask(0);
    if (plan.shares_mounts) {
        hooks::refuse_old_way(plan.mounts);
        hooks::mount_temporary_proc(rootfs.get());  // for liblxc, which stays where it is
        rootfs = hooks::enter_shared_mounts(descriptors.shared_mounts.get(), rootfs_path);
    }
    if (plan.net_devices) wait_for_net_devices();
    if (plan.loopback_up) hooks::bring_loopback_up();
    make_mounts(std::move(rootfs), plan, std::move(descriptors.dev_null), descriptors.devices);

    if (plan.runtime_hooks) wait_for_runtime_hooks();
    if (!plan.create_container.empty()) {
        ::umask(0022);
        // Our parent is the process that becomes init, so this is its pid as the container sees it.
        const std::string state = handoff::fill_in(plan.state, ::getppid());
        handoff::run_hooks(plan.create_container, state, rootfs_path,
                           {descriptors.hook_out.get(), descriptors.hook_err.get()});
    }
}

}  // namespace

int lxcri::hooks::run_mount_hook() noexcept {
    // From here on no process of the container can look into this one.
    (void)::prctl(PR_SET_DUMPABLE, 0);
    // If liblxc's child is killed this process has no use, nor has an OCI hook that it waits for.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    os::reset_signals();
    try {
        os::close_on_exec_from(3);
        set_up_container();
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        handoff::send_failure(handoff::kChannelFd, error);
        return EXIT_FAILURE;
    }
}
