#pragma once
// Namespace files (namespaces(7), ioctl_ns(2)).

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/unique_fd.h"

namespace lxcri::os {

// Opens `path` and makes sure that it is a namespace of the type `clone_flag` (CLONE_NEW*).
// Throws Error if it is not a namespace file, or one of another type.
UniqueFd open_namespace(const std::string& path, int clone_flag);

// Is it the namespace that this process is in? `proc_name`: "pid", "mnt", ... below
// /proc/self/ns.
bool is_own_namespace(int namespace_fd, const std::string& proc_name);

// Does it belong to this user namespace, or to one below it, so that root of the user namespace may
// do with it what root may? Seen from a process outside of it.
bool belongs_to(int namespace_fd, int user_namespace);

// Is this user namespace the other one, or below it?
bool is_same_or_below(int user_namespace, int other);

// CLONE_NEW* of all namespaces of the process that are not ours. One that is ours need not be
// joined, and the user namespace could not be (setns(2)).
int foreign_namespaces(pid_t pid);

// Enters those of the namespaces `flags` (CLONE_NEW*, not of users) of the process that are not
// ours. Returns the ones that are left by this, for return_to().
std::vector<UniqueFd> enter_namespaces(pid_t pid, int flags);
void return_to(const std::vector<UniqueFd>& namespaces);

// "user", "mnt", ...: as they are called below /proc/PID/ns.
std::vector<std::string> namespace_names(int flags);

}  // namespace lxcri::os
