#pragma once
// What liblxc sees of cgroups. Normally nothing: `create` makes the container's cgroup, and liblxc
// would make and leave others (P16 to P21). A kept monitor must know the container's cgroup,
// because the tools of LXC ask it for figures and let it freeze the container. So it sees that
// cgroup, takes it for its own, and nothing that it does to it while it starts the container has
// an effect.
//
// liblxc calls the C library; what is answered here is in docs/liblxc.md.

#include <optional>
#include <string>

namespace lxcri::libexec {

// For a kept monitor, before liblxc starts: handoff::StartPlan::cgroups. With a limit of less than
// 256 descriptors that may not be raised liblxc sees no cgroups all the same.
void show_cgroups(std::string cgroups);
// The container's first process gets back the caller's limit on descriptors before it is executed.
void give_back_descriptor_limit() noexcept;
// For who is no monitor: all as they are.
void let_see_all_cgroups();

// An open of the monitor's that is not to be done as liblxc asks: the descriptor in its place.
// (The mount hook opens the same paths, in the root filesystem and in another process.)
std::optional<int> open_for_liblxc(const char* path, int flags);

// Has liblxc looked for cgroups, and got such an answer?
bool has_answered_search_for_cgroups();

}  // namespace lxcri::libexec
