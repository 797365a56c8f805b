// Owns:  nothing. What a system container (system_container.h) needs of its process.
// Emits: nothing: it changes the document that all others translate
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "oci/names.h"
#include "translate/system_container.h"

namespace lxcri::translate {

namespace {

using Names = std::vector<std::string>;

// The kernel grants what these are for in the first user namespace alone (capable(), not
// ns_capable()). systemd asks for them to see whether a unit can work: without them it leaves out
// those that would fail.
constexpr std::array<std::string_view, 12> kUseless{
    "CAP_SYS_MODULE",   "CAP_SYS_RAWIO",  "CAP_SYS_TIME",      "CAP_SYS_PACCT",
    "CAP_SYSLOG",       "CAP_AUDIT_READ", "CAP_AUDIT_CONTROL", "CAP_MAC_ADMIN",
    "CAP_MAC_OVERRIDE", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_LINUX_IMMUTABLE"};

constexpr const char* kReboot = "CAP_SYS_BOOT";

// What engines allow only with CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SYS_PTRACE or CAP_SYS_BOOT, and
// keyrings. All of them ask for a capability in the container's own namespaces, or for none.
constexpr std::array<std::string_view, 34> kOpened{"add_key",
                                                   "chroot",
                                                   "clone",
                                                   "clone3",
                                                   "fsconfig",
                                                   "fsmount",
                                                   "fsopen",
                                                   "fspick",
                                                   "kcmp",
                                                   "keyctl",
                                                   "listmount",
                                                   "mknod",
                                                   "mknodat",
                                                   "mount",
                                                   "mount_setattr",
                                                   "move_mount",
                                                   "name_to_handle_at",
                                                   "open_tree",
                                                   "open_tree_attr",
                                                   "pidfd_getfd",
                                                   "pivot_root",
                                                   "process_madvise",
                                                   "process_vm_readv",
                                                   "process_vm_writev",
                                                   "ptrace",
                                                   "reboot",
                                                   "request_key",
                                                   "setdomainname",
                                                   "sethostname",
                                                   "setns",
                                                   "statmount",
                                                   "umount",
                                                   "umount2",
                                                   "unshare"};

Names useful_capabilities(const Host& host) {
    Names names;
    for (const auto& [name, number] : oci::kCapabilities) {
        if (number > host.last_capability) continue;
        if (std::find(kUseless.begin(), kUseless.end(), name) != kUseless.end()) continue;
        names.emplace_back(name);
    }
    return names;
}

bool has(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// With CAP_SYS_BOOT the kernel ends pid 1 by a signal when it calls reboot(2); without it systemd
// ends with status 0 (pid_namespaces(7), systemd-shutdown). So only who asks for it gets it.
void add_capabilities(oci::Process& process, const Host& host) {
    if (!process.capabilities) process.capabilities.emplace();
    auto& sets = *process.capabilities;
    const bool may_reboot = has(sets.permitted, kReboot);
    sets.bounding = useful_capabilities(host);
    if (!may_reboot) std::erase(sets.bounding, kReboot);
    if (process.user.uid != 0) return;
    sets.permitted = sets.bounding;
    sets.effective = sets.bounding;
}

bool is_id(std::string_view text) {
    constexpr std::size_t kDigits = 32;
    return text.size() >= kDigits && std::all_of(text.begin(), text.begin() + kDigits, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

// The machine ID of an image that has none (machine-id(5)). As Podman has it: the same for each
// start of one container of an engine.
std::string uuid_of(const Host& host) {
    if (!is_id(host.call.id)) return host.random_uuid;
    const std::string_view id = host.call.id;
    return concat(id.substr(0, 8), "-", id.substr(8, 4), "-", id.substr(12, 4), "-",
                  id.substr(16, 4), "-", id.substr(20, 12));
}

void add_variable(Names& env, const std::string& name, const std::string& value) {
    const std::string begin = concat(name, "=");
    if (std::any_of(env.begin(), env.end(),
                    [&](const auto& entry) { return entry.starts_with(begin); })) {
        return;
    }
    env.push_back(begin + value);
}

bool is_opened(const std::string& name) {
    return std::find(kOpened.begin(), kOpened.end(), name) != kOpened.end();
}

// What an agent is asked about stays with it.
Names asked_of_agent(const oci::Seccomp& seccomp) {
    Names names;
    for (const auto& rule : seccomp.syscalls) {
        if (rule.action != oci::SeccompAction::notify) continue;
        names.insert(names.end(), rule.names.begin(), rule.names.end());
    }
    return names;
}

// A rule without conditions is stronger than all that have some (seccomp/rules.h), and takes the
// place of those that refuse.
void open_filter(oci::Seccomp& seccomp) {
    const Names kept = asked_of_agent(seccomp);
    const auto opens = [&](const std::string& name) {
        return is_opened(name) && std::find(kept.begin(), kept.end(), name) == kept.end();
    };
    for (auto& rule : seccomp.syscalls) std::erase_if(rule.names, opens);
    oci::SeccompSyscall opened;
    opened.action = oci::SeccompAction::allow;
    for (const auto name : kOpened) {
        if (opens(std::string(name))) opened.names.emplace_back(name);
    }
    seccomp.syscalls.push_back(std::move(opened));
}

}  // namespace

void make_system_process(oci::Spec& spec, const Host& host) {
    if (spec.linux_->seccomp) open_filter(*spec.linux_->seccomp);
    if (!spec.process) return;
    add_capabilities(*spec.process, host);
    // https://systemd.io/CONTAINER_INTERFACE
    add_variable(spec.process->env, "container", "oci");
    add_variable(spec.process->env, "container_uuid", uuid_of(host));
}

}  // namespace lxcri::translate
