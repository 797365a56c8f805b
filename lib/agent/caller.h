#pragma once
// The thread that waits in a system call until it is answered. All that it says of itself may be a
// lie, and may change meanwhile; what the kernel says of it below /proc does not change while its
// call is pending: it waits.

#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"
#include "os/user_namespace.h"

namespace lxcri::agent {

// /proc/PID/status, as far as it says what a thread may do.
struct Credentials {
    uid_t fsuid = 0;
    gid_t fsgid = 0;
    std::vector<gid_t> groups;
    std::uint64_t effective = 0;  // capabilities
    mode_t umask = 0;
    pid_t innermost_pid = 0;  // in its own pid namespace
};
Credentials parse_status(std::string_view text);

// The name inside of the namespace. SystemError(EOVERFLOW) for one that it does not have.
std::uint32_t inside_id(const std::vector<os::IdRange>& ranges, std::uint32_t outside);
bool has_outside_id(const std::vector<os::IdRange>& ranges, std::uint32_t outside);

// What a process becomes that works for a caller. All in the numbers of the caller's user
// namespace.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups{};
    std::uint64_t capabilities = 0;
};

class Caller {
  public:
    // SystemError if the call is not pending any more.
    Caller(int listener, const seccomp_notif& call);

    // The call is still pending, and so this still is the thread. SystemError(ESRCH) if not.
    void check_pending() const;

    int listener() const noexcept { return listener_; }
    pid_t pid() const noexcept { return pid_; }
    const Credentials& credentials() const noexcept { return credentials_; }
    Identity identity() const;
    // Is it in this user namespace (not below it), with the capability?
    bool may(int capability, int user_namespace) const;

    // A file below /proc/PID, or what it leads to.
    os::UniqueFd open(const std::string& name, int flags) const;
    std::string read_file(const std::string& name) const;
    os::IdMaps id_maps() const;

    // Its memory. SystemError(EFAULT) as the kernel would say.
    std::string read_memory(std::uint64_t address, std::size_t size) const;
    // Up to the NUL; SystemError(too_long) if there is none in the first `most` bytes.
    std::string read_text(std::uint64_t address, std::size_t most, int too_long) const;
    void write_memory(std::uint64_t address, std::string_view bytes) const;

    // Calls `action` in a process with the caller's user namespace, IDs, groups, capabilities, root
    // and the directory `base` (/proc/PID/cwd and others), and returns what it opens. This is where
    // paths of the caller are resolved. Throws what `action` throws. `cgroups`: files cgroup.procs
    // of cgroups that the process joins first.
    std::vector<os::UniqueFd> call_as_caller(
        int base, const std::function<std::vector<os::UniqueFd>()>& action,
        const std::vector<os::UniqueFd>& cgroups = {}) const;

  private:
    int listener_;
    std::uint64_t id_;
    pid_t pid_;
    os::UniqueFd directory_;  // /proc/PID
    Credentials credentials_;
};

// Of the caller, where this process is in others, and the kernel knows the name (of namespaces(7)).
std::vector<os::UniqueFd> open_namespaces(const Caller& caller,
                                          std::initializer_list<const char*> names);
// For a process whose child begins in the caller's pid namespace. There the container sees the
// child, and it must see none of the host's namespaces in it. After this no path may be looked up
// that the container could have made.
void join_namespaces(const std::vector<os::UniqueFd>& namespaces);
// This process takes the identity, with this root and current directory, in the user namespace.
void enter(int user_namespace, int root, int base, const Identity& identity);
// Only these capabilities of the ones that this process has.
void keep_capabilities(std::uint64_t capabilities);
// This process, by the files cgroup.procs of the cgroups.
void join_cgroups(const std::vector<os::UniqueFd>& procs);
constexpr std::uint64_t bit_of(int capability) {
    return std::uint64_t{1} << static_cast<unsigned>(capability);
}

}  // namespace lxcri::agent
