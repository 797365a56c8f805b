#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/error.h"
#include "base/number_list.h"
#include "base/strings.h"
#include "os/check.h"
#include "process_labels.h"
#include "process_steps.h"

namespace lxcri::libexec {

namespace {

// The caller of the runtime may be confined to some CPUs; for the container only its cgroup
// decides. The kernel removes from the mask what the cgroup forbids (sched_setaffinity(2)).
void set_cpus(const std::vector<std::uint64_t>& cpus) {
    const std::vector<std::uint64_t> all(kMostNumbers / 64, ~std::uint64_t{0});
    const auto& mask = cpus.empty() ? all : cpus;
    const long result =
        ::syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof mask[0], mask.data());
    if (result != -1) return;
    // A sandbox may forbid it; then nothing is wider than it was.
    if (cpus.empty() && errno == EPERM) return;
    throw SystemError(errno, "/process/execCPUAffinity/final: sched_setaffinity");
}

void set_memory_policy(const handoff::MemoryPolicy& policy) {
    const std::size_t bits = policy.nodes.size() * 64;
    os::check(::syscall(SYS_set_mempolicy, policy.mode, bits == 0 ? nullptr : policy.nodes.data(),
                        bits == 0 ? 0 : bits + 1),
              "/linux/memoryPolicy: set_mempolicy");
}

// A new ring can be found by those who have it already; the processes that `exec` adds have not,
// but they have the same owner. "TYPE;UID;GID;PERMISSIONS;NAME": keyctl_describe(3).
void let_owner_find(long ring) {
    constexpr std::uint32_t kOwnerMaySearch = 0x00080000;  // KEY_USR_SEARCH
    std::array<char, 512> text{};
    const long length =
        ::syscall(SYS_keyctl, KEYCTL_DESCRIBE, ring, text.data(), text.size() - 1, 0);
    os::check(length, "keyctl DESCRIBE");
    const auto fields = split(text.data(), ';');
    constexpr std::size_t kPermissions = 3;
    if (fields.size() <= kPermissions) throw Error("keyctl DESCRIBE: an unknown format");
    const auto permissions =
        static_cast<std::uint32_t>(std::stoul(fields[kPermissions], nullptr, 16));
    if ((permissions & kOwnerMaySearch) != 0) return;
    os::check(::syscall(SYS_keyctl, KEYCTL_SETPERM, ring, permissions | kOwnerMaySearch, 0, 0),
              "keyctl SETPERM");
}

}  // namespace

void change_root(int root) {
    os::check(::fchdir(root), "fchdir", "the root filesystem");
    os::check(::chroot("."), "chroot", "the root filesystem");
}

void begin_session() {
    if (::getsid(0) == ::getpid()) return;
    os::check(::setsid(), "setsid");
}

void join_session_keyring(const handoff::ProcessPlan& process) {
    const std::string& name = process.session_keyring;
    if (name.empty()) return;
    const KeyringLabel label(process.selinux_label);
    const long ring = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str(), 0, 0, 0);
    if (ring != -1) return let_owner_find(ring);
    // No keyrings in this kernel, or none for us: then there is none to share with others either.
    if (errno == ENOSYS || errno == EPERM) return;
    throw SystemError(errno, "keyctl JOIN_SESSION_KEYRING", name);
}

void place_on_machine(const handoff::ProcessPlan& process) {
    if (process.cpus) set_cpus(*process.cpus);
    if (process.memory_policy) set_memory_policy(*process.memory_policy);
    if (process.personality) {
        os::check(::personality(*process.personality), "/linux/personality: personality");
    }
}

}  // namespace lxcri::libexec
