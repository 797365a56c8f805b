#pragma once
// Between `pause` or `resume` and lxcri-start, which tells the kept monitor of a container what has
// happened: `lxcri-start frozen ID ROOT`, `lxcri-start thawed ID ROOT`.

namespace lxcri::handoff {

// Where a kept monitor has the network namespace of its socket open. Documented for
// administrators: this number stays.
inline constexpr int kCommandNetworkFd = 5;

inline constexpr const char* kFrozen = "frozen";
inline constexpr const char* kThawed = "thawed";
// The network namespace of the monitor's socket.
inline constexpr int kMonitorNetworkFd = 3;
// For an ordinary user: the user namespace that this one belongs to.
inline constexpr int kMonitorUserFd = 4;

}  // namespace lxcri::handoff
