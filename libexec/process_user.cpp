#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <climits>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/channel.h"
#include "os/capabilities.h"
#include "os/check.h"
#include "os/file.h"
#include "os/passwd.h"
#include "process_steps.h"
#include "seccomp/load.h"

namespace lxcri::libexec {

namespace {

using handoff::CapabilitySets;
using handoff::ProcessPlan;

constexpr unsigned kMaxCapabilities = 64;

bool contains(std::uint64_t set, unsigned capability) {
    return ((set >> capability) & 1U) != 0;
}

// While still root: dropping from the bounding set needs CAP_SETPCAP (capabilities(7)).
void limit_bounding_set(std::uint64_t bounding) {
    for (unsigned capability = 0; capability < kMaxCapabilities; ++capability) {
        if (contains(bounding, capability)) continue;
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) return;  // beyond the last one that the kernel knows
        throw SystemError(errno, "/process/capabilities/bounding: prctl PR_CAPBSET_DROP",
                          std::to_string(capability));
    }
}

// set_own_capabilities() leaves out what the kernel does not know. The kernel counts capabilities
// from 0 on: it knows them all when it knows the last.
void check_known(std::uint64_t set, const char* pointer) {
    if (set == 0) return;
    const int last = static_cast<int>(std::bit_width(set)) - 1;
    os::check(::prctl(PR_CAPBSET_READ, last, 0, 0, 0), concat(pointer, ": prctl PR_CAPBSET_READ"),
              std::to_string(last));
}

void set_capabilities(const CapabilitySets& sets) {
    check_known(sets.permitted, "/process/capabilities/permitted");
    check_known(sets.effective, "/process/capabilities/effective");
    check_known(sets.inheritable, "/process/capabilities/inheritable");
    in_context("/process/capabilities", [&] {
        os::set_own_capabilities({sets.effective, sets.permitted, sets.inheritable});
    });
    os::check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
              "/process/capabilities/ambient: prctl PR_CAP_AMBIENT_CLEAR_ALL");
    for (unsigned number = 0; number < kMaxCapabilities; ++number) {
        if (!contains(sets.ambient, number)) continue;
        os::check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0),
                  "/process/capabilities/ambient: prctl PR_CAP_AMBIENT_RAISE",
                  std::to_string(number));
    }
}

bool has_effective(unsigned capability) {
    return contains(os::own_capabilities().effective, capability);
}

void set_groups(const std::vector<std::uint32_t>& groups) {
    const std::vector<gid_t> list(groups.begin(), groups.end());
    if (::setgroups(list.size(), list.data()) == 0) return;
    const int error = errno;
    // In the user namespace of an ordinary user no process can, not even to drop the user's own
    // groups (user_namespaces(7), "deny").
    if (error == EPERM && list.empty() && has_effective(CAP_SETGID)) return;
    throw SystemError(error, "/process/user/additionalGids: setgroups");
}

// EINVAL of these calls means one thing only, and says it badly.
void check_id(int result, const char* pointer, const char* call, std::uint32_t id) {
    if (result == 0) return;
    if (errno == EINVAL) {
        throw Error(concat(pointer, ": ", std::to_string(id),
                           " is not mapped in the container's user namespace"));
    }
    throw SystemError(errno, concat(pointer, ": ", call), std::to_string(id));
}

void set_ids(const ProcessPlan& process) {
    check_id(::setresgid(process.gid, process.gid, process.gid), "/process/user/gid", "setresgid",
             process.gid);
    check_id(::setresuid(process.uid, process.uid, process.uid), "/process/user/uid", "setresuid",
             process.uid);
}

// 0 or the errno.
int try_change_directory(const std::string& cwd) {
    return ::chdir(cwd.c_str()) == 0 ? 0 : errno;
}

// A directory outside, reached through a descriptor that is open by mistake, has no path from our
// root: getcwd(2) then says "(unreachable)..." (CVE-2024-21626).
void check_directory_is_inside(const std::string& cwd) {
    std::array<char, PATH_MAX> path{};
    const long length = ::syscall(SYS_getcwd, path.data(), path.size());
    os::check(length, "/process/cwd: getcwd", cwd);
    if (path[0] != '/') {
        throw Error(concat("/process/cwd: ", in_quotes(cwd), " leads out of the root filesystem"));
    }
}

std::string_view value_in(const std::vector<std::string>& env, std::string_view name) {
    for (const auto& entry : env) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return std::string_view(entry).substr(name.size() + 1);
        }
    }
    return {};
}

// Returns 0 if we can execute the file, else the errno that execve would give.
int execution_error(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == -1) return errno;
    if (S_ISDIR(status.st_mode)) return EACCES;
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return 0;
    // Not the kernel's answer to X_OK, but that of a filter that is in force already and does not
    // know this system call: the exec itself tells then.
    return errno == EPERM ? 0 : errno;
}

std::string script_interpreter(std::string_view text) {
    const std::string_view line = text.substr(2, text.find('\n') - 2);
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    const std::string_view words = line.substr(first);
    return std::string(words.substr(0, words.find_first_of(" \t")));
}

// elf(5), PT_INTERP. Each number in the file may be wrong.
std::string loader_of(std::string_view text) {
    ElfW(Ehdr) header{};
    if (text.size() < sizeof header) return {};
    std::memcpy(&header, text.data(), sizeof header);
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) part{};
        const std::size_t at = header.e_phoff + i * sizeof part;
        if (at > text.size() || text.size() - at < sizeof part) break;
        std::memcpy(&part, text.data() + at, sizeof part);
        if (part.p_type != PT_INTERP || part.p_offset >= text.size()) continue;
        const std::string_view path = text.substr(part.p_offset, part.p_filesz);
        return std::string(path.substr(0, path.find('\0')));
    }
    return {};
}

// What a script, or a dynamic program, wants to be run by; "" where that cannot be told.
std::string interpreter_of(const std::string& program) {
    const os::UniqueFd file(::open(program.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    std::array<char, PATH_MAX> beginning{};
    const ssize_t size = ::read(file.get(), beginning.data(), beginning.size());
    if (size <= 0) return {};
    const std::string_view text(beginning.data(), static_cast<std::size_t>(size));
    if (text.starts_with("#!")) return script_interpreter(text);
    return text.starts_with(ELFMAG) ? loader_of(text) : "";
}

// Makes all permitted capabilities effective again: a change of the user clears the effective set.
void raise_permitted() {
    os::Capabilities sets = os::own_capabilities();
    sets.effective = sets.permitted;
    in_context("/process/capabilities", [&] { os::set_own_capabilities(sets); });
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

}  // namespace

void load_filter(const ProcessPlan& process, int channel) {
    const os::UniqueFd listener = in_context("/linux/seccomp", [&] {
        return seccomp::load(process.seccomp_program, process.seccomp_flags);
    });
    if (listener.valid()) handoff::offer_listener(channel, listener.get());
}

void give_stdio_to(std::uint32_t uid) {
    for (int fd = 0; fd <= 2; ++fd) {
        struct stat status {};
        if (::fstat(fd, &status) == -1) continue;  // the caller had it closed
        if (status.st_uid == uid || is_dev_null(fd)) continue;
        // Not ours to give away, read-only, or no owner in this namespace: it works as it is.
        if (::fchown(fd, uid, status.st_gid) == -1 && errno != EPERM && errno != EROFS &&
            errno != EINVAL) {
            throw SystemError(errno, "fchown of descriptor", std::to_string(fd));
        }
    }
}

void become_user(const ProcessPlan& process, int channel) {
    limit_bounding_set(process.capabilities.bounding);
    // As root first: the user may not be able to pass the directories on the way. Where root may
    // not (a network filesystem), the user tries below.
    const int as_root = try_change_directory(process.cwd);
    if (as_root != 0 && as_root != EACCES && as_root != EPERM) {
        throw SystemError(as_root, "/process/cwd: chdir", process.cwd);
    }
    os::check(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl PR_SET_KEEPCAPS");
    if (!process.keep_groups) set_groups(process.groups);
    set_ids(process);
    os::check(::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0), "prctl PR_SET_KEEPCAPS");
    if (as_root != 0) {
        const int as_user = try_change_directory(process.cwd);
        if (as_user != 0) throw SystemError(as_user, "/process/cwd: chdir", process.cwd);
    }
    check_directory_is_inside(process.cwd);
    ::umask(process.umask);
    if (process.no_new_privileges) {
        os::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                  "/process/noNewPrivileges: prctl PR_SET_NO_NEW_PRIVS");
    } else if (process.filter_loading == handoff::FilterLoading::as_root) {
        raise_permitted();
        load_filter(process, channel);
    }
    set_capabilities(process.capabilities);
}

void complete_environment(std::vector<std::string>& env, std::uint32_t uid) {
    if (!value_in(env, "HOME").empty()) return;
    std::erase(env, "HOME=");
    const auto user = os::find_user(uid);
    env.push_back(concat("HOME=", user && !user->home.empty() ? user->home : "/"));
}

std::string find_program(const ProcessPlan& process) {
    const std::string& name = process.args.front();
    // Lower case and these very words: callers turn them into the exit codes 127 and 126.
    const auto failed = [&](std::string_view why) {
        return Error(concat("/process/args/0: exec ", in_quotes(name), ": ", why));
    };
    if (name.find('/') != std::string::npos) {
        if (const int error = execution_error(name); error != 0) throw failed(errno_text(error));
        return name;
    }
    std::string_view path = value_in(process.env, "PATH");
    if (path.empty()) path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    int seen = ENOENT;
    for (const auto& directory : split(path, ':')) {
        std::string candidate = directory.empty() ? name : concat(directory, "/", name);
        const int error = name.empty() ? ENOENT : execution_error(candidate);
        if (error == 0) return candidate;
        if (error == EACCES || error == EPERM) seen = error;  // execvp(3) goes on, and remembers
    }
    throw failed(seen == ENOENT ? "executable file not found in $PATH" : errno_text(seen));
}

void set_write_signals(sighandler_t disposition) {
    (void)::signal(SIGPIPE, disposition);
    (void)::signal(SIGXFSZ, disposition);  // RLIMIT_FSIZE
}

void execute_program(ProcessPlan& process, const std::string& program,
                     const handoff::OwnLimits& limits) {
    const auto args = pointers(process.args);
    const auto env = pointers(process.env);
    for (const auto& limit : limits.limits) {
        const rlimit value{limit.soft, limit.hard};
        os::check(::setrlimit(static_cast<__rlimit_resource>(limit.resource), &value), limit.name);
    }
    set_write_signals(SIG_DFL);  // what is ignored stays so across execve
    if (process.filter_loading == handoff::FilterLoading::last) load_filter(process, -1);
    ::execve(program.c_str(), args.data(), env.data());
    const int error = errno;
    set_write_signals(SIG_IGN);
    const std::string interpreter = error == ENOENT ? interpreter_of(program) : "";
    if (interpreter.empty()) throw SystemError(error, "/process/args/0: exec", program);
    throw Error(concat("/process/args/0: exec ", in_quotes(program), ": ", errno_text(error),
                       ": its interpreter ", in_quotes(interpreter)));
}

}  // namespace lxcri::libexec
