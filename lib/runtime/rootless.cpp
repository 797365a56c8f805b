#include "runtime/rootless.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/strings.h"
#include "handoff/call_in_child.h"
#include "handoff/run_hooks.h"
#include "os/check.h"
#include "os/file.h"
#include "os/namespace.h"
#include "os/process.h"
#include "os/user_namespace.h"

namespace lxcri::runtime {

namespace {

// The one line that the kernel takes from every user: user_namespaces(7).
bool maps_only(const std::vector<oci::IdMapping>& mappings, std::uint32_t own_id) {
    return mappings.size() == 1 && mappings.front().host_id == own_id && mappings.front().size == 1;
}

std::string find_mapper(const std::string& name) {
    const char* path = ::getenv("PATH");
    for (const auto& directory : split(path == nullptr ? "/usr/bin" : path, ':')) {
        std::string candidate = concat(directory, "/", name);
        if (directory.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    throw Error(concat("more than the user's own ID needs ", name,
                       ", which is not in PATH (Debian's package uidmap)"));
}

// newuidmap(1): privileged, and allows what /etc/subuid says.
void run_mapper(const std::string& name, pid_t pid, const std::vector<oci::IdMapping>& mappings) {
    handoff::Hook program;
    program.path = find_mapper(name);
    program.args = {name, std::to_string(pid)};
    for (const auto& mapping : mappings) {
        for (const auto number : {mapping.container_id, mapping.host_id, mapping.size}) {
            program.args.push_back(std::to_string(number));
        }
    }
    handoff::run_program(program.path, program, {});
}

void write_maps(pid_t pid, const translate::HostPlan& plan) {
    const std::string proc = concat("/proc/", std::to_string(pid));
    const auto line = [](const oci::IdMapping& mapping) {
        return concat(std::to_string(mapping.container_id), " ", std::to_string(mapping.host_id),
                      " 1\n");
    };
    in_context("/linux/uidMappings", [&] {
        if (!maps_only(plan.uid_mappings, ::geteuid())) {
            return run_mapper("newuidmap", pid, plan.uid_mappings);
        }
        os::write_value_at(AT_FDCWD, concat(proc, "/uid_map"), line(plan.uid_mappings.front()));
    });
    in_context("/linux/gidMappings", [&] {
        if (!maps_only(plan.gid_mappings, ::getegid())) {
            return run_mapper("newgidmap", pid, plan.gid_mappings);
        }
        // Otherwise a process could drop groups that deny it a file: CVE-2014-8989.
        os::write_value_at(AT_FDCWD, concat(proc, "/setgroups"), "deny");
        os::write_value_at(AT_FDCWD, concat(proc, "/gid_map"), line(plan.gid_mappings.front()));
    });
}

}  // namespace

RootlessSetup RootlessSetup::make(const translate::HostPlan& plan) {
    const auto* entry = plan.find_namespace(oci::NamespaceType::user);
    if (entry->path) return RootlessSetup(os::open_namespace(*entry->path, CLONE_NEWUSER));
    return RootlessSetup(os::make_user_namespace([&](pid_t pid) { write_maps(pid, plan); }));
}

RootlessSetup RootlessSetup::of(pid_t init) {
    const std::string path = concat("/proc/", std::to_string(init), "/ns/user");
    return RootlessSetup(os::open_namespace(path, CLONE_NEWUSER));
}

std::vector<os::UniqueFd> RootlessSetup::open_inside(
    const std::function<std::vector<os::UniqueFd>()>& open) const {
    const pid_t self = ::getpid();
    return handoff::call_in_child([&] {
        // Root of that namespace may be able to trace us, and we see the host's files: ptrace(2).
        const auto hide = [] { os::check(::prctl(PR_SET_DUMPABLE, 0), "prctl PR_SET_DUMPABLE"); };
        hide();
        os::check(::setns(user_namespace_.get(), CLONE_NEWUSER), "setns", "user namespace");
        hide();
        os::end_with_parent(self);  // once more, with the new credentials
        os::check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
        return open();
    });
}

}  // namespace lxcri::runtime
