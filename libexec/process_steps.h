#pragma once
// From root of the container to the process of the plan: what lxcri-init and lxcri-exec do alike,
// step by step, in the order of this file. Nothing here knows whether it is the container process
// or one that `exec` adds. Every step throws lxcri::Error.

#include <signal.h>

#include <array>
#include <string>
#include <vector>

#include "handoff/plan.h"
#include "os/unique_fd.h"

namespace lxcri::libexec {

// --- process_descriptors.cpp

// Out of the way of the numbers that the preserved descriptors will get in the end.
os::UniqueFd move_up(const os::UniqueFd& fd, std::uint32_t preserved);
// The preserved descriptors: those in `fds` from `next` on, then further messages full of them.
std::vector<os::UniqueFd> take_preserved(std::vector<os::UniqueFd> fds, std::size_t next,
                                         std::uint32_t count, int channel);
// The last step before the exec: gives them their numbers, 3 and so on.
void place_preserved(const std::vector<os::UniqueFd>& preserved);
bool is_dev_null(int fd) noexcept;
// If 0, 1 or 2 is the host's /dev/null, replaces it by the container's own, for reading and
// writing: callers may have it open for reading only (containerd's null IO), and the process should
// hold no device of the host. If the container has none, the descriptor stays.
void reopen_dev_null();

// --- process_session.cpp

// chroot(2) to the directory `root`.
void change_root(int root);
// A session of its own: the terminal of the caller is not its controlling terminal.
void begin_session();
// With a label for what the keyring is to be labelled with (SELinux).
void join_session_keyring(const handoff::ProcessPlan& process);
// CPUs, memory policy, personality.
void place_on_machine(const handoff::ProcessPlan& process);

// --- process_terminal.cpp

enum class Console { mount, leave };
// A new terminal of the container's own devpts becomes 0-2 and the controlling terminal; its
// master goes over the channel. Console::mount: it is also /dev/console.
void set_up_terminal(const handoff::ProcessPlan& process, Console console, int channel);

// --- process_labels.cpp

// Sets the labels with which AppArmor and SELinux confine the process from its execve on.
void set_exec_labels(const handoff::ProcessPlan& process);

// --- process_user.cpp

// fchown of 0-2, so that the user can reopen them through /proc/self/fd.
void give_stdio_to(std::uint32_t uid);
// HOME from /etc/passwd if the environment has none, or an empty one.
void complete_environment(std::vector<std::string>& env, std::uint32_t uid);
// Groups, user, working directory, capabilities, no_new_privs, umask; in the order that each step
// still has the privilege it needs. A filter that needs
// CAP_SYS_ADMIN is loaded on the way; `channel`: who gets its listener.
void become_user(const handoff::ProcessPlan& process, int channel);
// The program as execvp(3) would find it. Throws Error with the words that callers look for if
// there is none.
std::string find_program(const handoff::ProcessPlan& process);
// ProcessPlan::filter_loading says when.
void load_filter(const handoff::ProcessPlan& process, int channel);
// SIG_IGN: a write to a pipe without a reader, or beyond RLIMIT_FSIZE, fails and does not kill.
void set_write_signals(sighandler_t disposition);
// execve, in the limits that are left to the process itself; returns only by throwing.
[[noreturn]] void execute_program(handoff::ProcessPlan& process, const std::string& program,
                                  const handoff::OwnLimits& limits);

}  // namespace lxcri::libexec
