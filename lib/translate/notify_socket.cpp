// Owns:  NOTIFY_SOCKET of the call
// Emits: a mount in HookPlan::mounts, and the variable in InitPlan::added_env
#include <string>
#include <vector>

#include "base/kernel_mount.h"
#include "translate/translators.h"

namespace lxcri::translate {

void translate_notify_socket(const Host& host, Plan& plan) {
    if (host.call.notify_directory.empty()) return;
    handoff::MountAction mount;
    mount.pointer = "NOTIFY_SOCKET";
    mount.destination = "/run/notify";
    mount.kind = handoff::MountKind::bind;
    mount.source = host.call.notify_directory;
    // Its socket can be written to all the same.
    mount.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    plan.hook.mounts.push_back(std::move(mount));
    std::erase_if(plan.init.process.env,
                  [](const auto& entry) { return entry.starts_with("NOTIFY_SOCKET="); });
    plan.init.added_env.emplace_back("NOTIFY_SOCKET=/run/notify/notify.sock");
}

}  // namespace lxcri::translate
