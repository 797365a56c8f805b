#include "agent/caller.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
#include "os/capabilities.h"
#include "os/check.h"
#include "os/file.h"
#include "os/namespace.h"
#include "os/process.h"

namespace lxcri::agent {

namespace {

constexpr std::uint64_t kPage = 4096;

// The words of a line of /proc/PID/status.
std::vector<std::string> words_of(std::string_view text, std::string_view name) {
    const auto value = os::find_status_value(text, name);
    if (!value) throw Error(concat("/proc/PID/status has no ", name));
    std::string words(*value);
    std::replace(words.begin(), words.end(), '\t', ' ');
    auto list = split(words, ' ');
    std::erase(list, "");
    return list;
}

template <class Number>
Number number_of(const std::string& word, int base) {
    Number number{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    if (error != std::errc{} || end != word.data() + word.size()) {
        throw Error("/proc/PID/status has an unknown format");
    }
    return number;
}

// Real, effective, saved and that of the file system.
std::uint32_t filesystem_id(std::string_view text, std::string_view name) {
    const auto words = words_of(text, name);
    if (words.size() != 4) throw Error("/proc/PID/status has an unknown format");
    return number_of<std::uint32_t>(words[3], 10);
}

const os::IdRange* find_range(const std::vector<os::IdRange>& ranges, std::uint32_t outside) {
    const auto found = std::find_if(ranges.begin(), ranges.end(), [=](const os::IdRange& range) {
        return outside >= range.outside && outside - range.outside < range.size;
    });
    return found == ranges.end() ? nullptr : &*found;
}

}  // namespace

void enter(int user_namespace, int root, int base, const Identity& identity) {
    const pid_t parent = ::getppid();
    // Root of the container may otherwise trace it, if both see each other's processes.
    os::check(::prctl(PR_SET_DUMPABLE, 0), "prctl PR_SET_DUMPABLE");
    // Whatever it is: a look at /proc whether it is our own may be one at the container's /proc. It
    // never is: calls from there are left to the kernel.
    os::check(::setns(user_namespace, CLONE_NEWUSER), "setns CLONE_NEWUSER");
    // Other rights undo both, here and below.
    os::end_with_parent(parent);
    os::check(::prctl(PR_SET_DUMPABLE, 0), "prctl PR_SET_DUMPABLE");
    os::check(::fchdir(root), "fchdir");
    os::check(::chroot("."), "chroot");
    os::check(::fchdir(base), "fchdir");
    os::check(::prctl(PR_SET_KEEPCAPS, 1), "prctl PR_SET_KEEPCAPS");
    os::check(::setgroups(identity.groups.size(), identity.groups.data()), "setgroups");
    os::check(::setresgid(identity.gid, identity.gid, identity.gid), "setresgid");
    os::check(::setresuid(identity.uid, identity.uid, identity.uid), "setresuid");
    os::end_with_parent(parent);
    os::check(::prctl(PR_SET_DUMPABLE, 0), "prctl PR_SET_DUMPABLE");
    keep_capabilities(identity.capabilities);
}

std::vector<os::UniqueFd> open_namespaces(const Caller& caller,
                                          std::initializer_list<const char*> names) {
    std::vector<os::UniqueFd> namespaces;
    for (const char* name : names) {
        try {
            os::UniqueFd file = caller.open(concat("ns/", name), O_RDONLY);
            if (!os::is_own_namespace(file.get(), name)) namespaces.push_back(std::move(file));
        } catch (const SystemError& error) {
            if (error.code() != ENOENT) throw;  // a kernel without namespaces of this type
        }
    }
    return namespaces;
}

void join_namespaces(const std::vector<os::UniqueFd>& namespaces) {
    for (const auto& file : namespaces) os::check(::setns(file.get(), 0), "setns");
}

void keep_capabilities(std::uint64_t capabilities) {
    os::set_own_capabilities({capabilities, capabilities, 0});
}

void join_cgroups(const std::vector<os::UniqueFd>& procs) {
    for (const os::UniqueFd& file : procs) os::write_all(file.get(), "0", "cgroup.procs");
}

Credentials parse_status(std::string_view text) {
    Credentials credentials;
    credentials.fsuid = filesystem_id(text, "Uid");
    credentials.fsgid = filesystem_id(text, "Gid");
    for (const std::string& word : words_of(text, "Groups")) {
        credentials.groups.push_back(number_of<gid_t>(word, 10));
    }
    const auto umask = words_of(text, "Umask");
    const auto effective = words_of(text, "CapEff");
    const auto pids = words_of(text, "NSpid");
    if (umask.empty() || effective.empty() || pids.empty()) {
        throw Error("/proc/PID/status has an unknown format");
    }
    credentials.umask = number_of<mode_t>(umask[0], 8);
    credentials.effective = number_of<std::uint64_t>(effective[0], 16);
    credentials.innermost_pid = number_of<pid_t>(pids.back(), 10);
    return credentials;
}

std::uint32_t inside_id(const std::vector<os::IdRange>& ranges, std::uint32_t outside) {
    const os::IdRange* range = find_range(ranges, outside);
    if (range == nullptr) throw SystemError(EOVERFLOW, "map ID", std::to_string(outside));
    return outside - range->outside + range->inside;
}

bool has_outside_id(const std::vector<os::IdRange>& ranges, std::uint32_t outside) {
    return find_range(ranges, outside) != nullptr;
}

Caller::Caller(int listener, const seccomp_notif& call)
    : listener_(listener), id_(call.id), pid_(static_cast<pid_t>(call.pid)) {
    // 0: it is in no pid namespace that we see.
    if (call.pid == 0) throw SystemError(ESRCH, "find caller");
    directory_ =
        os::open_at(AT_FDCWD, concat("/proc/", std::to_string(call.pid)), O_PATH | O_DIRECTORY);
    // It still waits: so the directory is its own, and not that of another thread that has got its
    // number meanwhile.
    check_pending();
    credentials_ = parse_status(read_file("status"));
}

void Caller::check_pending() const {
    std::uint64_t id = id_;
    if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0) {
        throw SystemError(ESRCH, "the caller has gone");
    }
}

bool Caller::may(int capability, int user_namespace) const {
    if ((credentials_.effective & bit_of(capability)) == 0) return false;
    struct stat its {};
    struct stat wanted {};
    os::check(::fstat(open("ns/user", O_RDONLY).get(), &its), "fstat");
    os::check(::fstat(user_namespace, &wanted), "fstat");
    return its.st_dev == wanted.st_dev && its.st_ino == wanted.st_ino;
}

os::UniqueFd Caller::open(const std::string& name, int flags) const {
    return os::open_at(directory_.get(), name, flags);
}

std::string Caller::read_file(const std::string& name) const {
    return os::read_file_at(directory_.get(), name);
}

os::IdMaps Caller::id_maps() const {
    return {os::parse_id_map(read_file("uid_map")), os::parse_id_map(read_file("gid_map"))};
}

std::string Caller::read_memory(std::uint64_t address, std::size_t size) const {
    const os::UniqueFd memory = open("mem", O_RDONLY);
    std::string bytes(size, '\0');
    const ssize_t count =
        ::pread64(memory.get(), bytes.data(), size, static_cast<off64_t>(address));
    check_pending();
    if (count != static_cast<ssize_t>(size)) throw SystemError(EFAULT, "read memory");
    return bytes;
}

std::string Caller::read_text(std::uint64_t address, std::size_t most, int too_long) const {
    const os::UniqueFd memory = open("mem", O_RDONLY);
    std::string text;
    std::array<char, kPage> piece{};
    while (text.size() < most) {
        // What is behind the end of a page may not be there.
        const std::uint64_t left_in_page = kPage - (address + text.size()) % kPage;
        const std::size_t wanted = std::min<std::size_t>(left_in_page, most - text.size());
        const ssize_t count = ::pread64(memory.get(), piece.data(), wanted,
                                        static_cast<off64_t>(address + text.size()));
        check_pending();
        if (count != static_cast<ssize_t>(wanted)) throw SystemError(EFAULT, "read memory");
        const std::string_view part(piece.data(), wanted);
        const auto end = part.find('\0');
        text += part.substr(0, end);
        if (end != std::string_view::npos) return text;
    }
    throw SystemError(too_long, "read memory");
}

void Caller::write_memory(std::uint64_t address, std::string_view bytes) const {
    const os::UniqueFd memory = open("mem", O_WRONLY);
    check_pending();
    const ssize_t count =
        ::pwrite64(memory.get(), bytes.data(), bytes.size(), static_cast<off64_t>(address));
    if (count != static_cast<ssize_t>(bytes.size())) throw SystemError(EFAULT, "write memory");
}

Identity Caller::identity() const {
    const os::IdMaps maps = id_maps();
    Identity identity{inside_id(maps.uids, credentials_.fsuid),
                      inside_id(maps.gids, credentials_.fsgid),
                      {},
                      credentials_.effective};
    for (const gid_t group : credentials_.groups) {
        // The kernel keeps groups that the namespace does not map; with setgroups(2) no process can
        // have them in there.
        if (has_outside_id(maps.gids, group)) {
            identity.groups.push_back(inside_id(maps.gids, group));
        }
    }
    return identity;
}

std::vector<os::UniqueFd> Caller::call_as_caller(
    int base, const std::function<std::vector<os::UniqueFd>()>& action,
    const std::vector<os::UniqueFd>& cgroups) const {
    const Identity who = identity();
    const os::UniqueFd user_namespace = open("ns/user", O_RDONLY);
    const os::UniqueFd root = open("root", O_PATH | O_DIRECTORY);
    check_pending();
    return handoff::call_in_child([&] {
        join_cgroups(cgroups);
        enter(user_namespace.get(), root.get(), base, who);
        return action();
    });
}

}  // namespace lxcri::agent
