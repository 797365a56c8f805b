// check: the kernel. System calls are called with arguments that cannot do anything: one that is
// there says so by another error than that it is not.

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/strings.h"
#include "host/check.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/user_namespace.h"

namespace lxcri::host {

namespace {

Finding finding(std::string name, Severity severity, std::string text) {
    return {"kernel", std::move(name), severity, std::move(text)};
}

Finding check_call(std::string name, long result, Severity missing, std::string_view use) {
    const int code = result == -1 ? errno : 0;
    if (code == ENOSYS) {
        return finding(std::move(name), missing, concat("not there: ", use));
    }
    // No answer to such arguments, but of a filter around us; others than root have to ask it in a
    // user namespace of their own.
    if (code == EPERM && ::geteuid() == 0) {
        return finding(std::move(name), missing, concat("not permitted: ", use));
    }
    return finding(std::move(name), Severity::ok, "works");
}

Finding check_version() {
    utsname name{};
    ::uname(&name);
    const auto numbers = split(std::string_view(name.release), '.');
    const auto major = parse_integer<int>(numbers[0]).value_or(0);
    const auto minor = numbers.size() > 1 ? parse_integer<int>(numbers[1]).value_or(0) : 0;
    const bool is_new_enough = major > 5 || (major == 5 && minor >= 12);
    return finding("version", is_new_enough ? Severity::ok : Severity::error,
                   concat(name.release, is_new_enough ? "" : ": 5.12 or later is needed"));
}

std::vector<Finding> check_calls() {
    std::vector<Finding> findings;
    const auto add = [&](std::string name, long result, Severity missing, std::string_view use) {
        findings.push_back(check_call(std::move(name), result, missing, use));
    };
    add("openat2", ::syscall(SYS_openat2, -1, "", nullptr, 0), Severity::error,
        "paths in images need it");
    add("open_tree", ::syscall(SYS_open_tree, -1, "x", 0), Severity::error, "mounts need it");
    add("mount_setattr", ::syscall(SYS_mount_setattr, -1, "x", 0, nullptr, 0), Severity::error,
        "mounts need it");
    add("fsopen", ::syscall(SYS_fsopen, nullptr, ~0U), Severity::error, "mounts need it");
    add("clone3", ::syscall(SYS_clone3, nullptr, 0), Severity::warning,
        "liblxc uses clone instead");
    add("pidfd_open", ::syscall(SYS_pidfd_open, -1, 0), Severity::error,
        "lxcri identifies processes with it");
    add("pidfd_send_signal", ::syscall(SYS_pidfd_send_signal, -1, 0, nullptr, 0), Severity::warning,
        "lxcri uses kill instead; signals with cgroup version 1 need it");
    add("close_range", ::syscall(SYS_close_range, ~0U, 0U, 0U), Severity::error,
        "lxcri closes descriptors with it");
    add("bpf", ::syscall(SYS_bpf, -1, nullptr, 0), Severity::warning,
        "device rules need it with cgroup version 2");
    return findings;
}

Finding check_namespace(const char* name, const char* file, Severity missing) {
    const bool there = ::access(concat("/proc/self/ns/", file).c_str(), F_OK) == 0;
    return finding(concat(name, " namespaces"), there ? Severity::ok : missing,
                   there ? "there" : "not there");
}

std::optional<long> number_in(const std::string& file) {
    const auto text = os::find_file_at(AT_FDCWD, file);
    if (!text) return {};
    return parse_integer<long>(std::string_view(*text).substr(0, text->find('\n')));
}

Finding check_user_namespaces() {
    const char* name = "user namespaces";
    if (::access("/proc/self/ns/user", F_OK) == -1) {
        return finding(name, Severity::warning, "not there");
    }
    const auto most = number_in("/proc/sys/user/max_user_namespaces");
    if (most && *most == 0) {
        return finding(name, Severity::warning, "user.max_user_namespaces is 0");
    }
    if (number_in("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
        return finding(name, Severity::note,
                       "only for root: kernel.unprivileged_userns_clone is 0");
    }
    if (number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1) {
        return finding(name, Severity::note,
                       "only for root, or if an AppArmor profile allows them: "
                       "examples/apparmor.profile in the documentation of lxcri");
    }
    return finding(name, Severity::ok, "for all users");
}

// Where images usually are; other filesystems may differ.
Finding check_id_mapped_mounts() {
    const char* name = "id-mapped mounts";
    try {
        const os::UniqueFd user = os::make_user_namespace([](pid_t pid) {
            for (const char* map : {"uid_map", "gid_map"}) {
                os::write_value_at(AT_FDCWD, concat("/proc/", std::to_string(pid), "/", map),
                                   "0 100000 1\n");
            }
        });
        const os::UniqueFd mount = os::clone_mount(AT_FDCWD, "/", os::Reach::one_mount);
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_IDMAP;
        attributes.userns_fd = static_cast<std::uint64_t>(user.get());
        os::set_mount_attributes(mount.get(), os::Reach::one_mount, attributes, "/");
        return finding(name, Severity::ok, "work on the filesystem of /");
    } catch (const Error& error) {
        return finding(name, Severity::note, concat("not on the filesystem of /: ", error.what()));
    }
}

Finding check_seccomp() {
    constexpr unsigned kAction = SECCOMP_RET_USER_NOTIF;
    const long result = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kAction);
    return finding("seccomp", result == 0 ? Severity::ok : Severity::warning,
                   result == 0 ? "with agents (user notification)"
                               : concat("without agents: ", errno_text(errno)));
}

// In every cgroup but the root: the kernel's own looks are for those that we find.
Finding check_cgroup_kill() {
    const char* name = "cgroup.kill";
    for (const char* file :
         {"/sys/fs/cgroup/init.scope/cgroup.kill", "/sys/fs/cgroup/system.slice/cgroup.kill"}) {
        if (::access(file, F_OK) == 0) return finding(name, Severity::ok, "there");
    }
    utsname system{};
    ::uname(&system);
    const auto numbers = split(std::string_view(system.release), '.');
    const auto major = parse_integer<int>(numbers[0]).value_or(0);
    const auto minor = numbers.size() > 1 ? parse_integer<int>(numbers[1]).value_or(0) : 0;
    const bool there = major > 5 || (major == 5 && minor >= 14);
    return finding(
        name, there ? Severity::ok : Severity::note,
        there ? "there, in version 2" : "not there before 5.14: processes are killed one by one");
}

}  // namespace

std::vector<Finding> check_kernel() {
    std::vector<Finding> findings{check_version()};
    for (auto& call : check_calls()) findings.push_back(std::move(call));
    findings.push_back(check_seccomp());
    findings.push_back(check_cgroup_kill());
    findings.push_back(check_namespace("mount", "mnt", Severity::error));
    findings.push_back(check_namespace("pid", "pid", Severity::warning));
    findings.push_back(check_namespace("network", "net", Severity::warning));
    findings.push_back(check_namespace("cgroup", "cgroup", Severity::warning));
    findings.push_back(check_namespace("time", "time", Severity::warning));
    findings.push_back(check_user_namespaces());
    if (::geteuid() == 0) findings.push_back(check_id_mapped_mounts());
    return findings;
}

}  // namespace lxcri::host
