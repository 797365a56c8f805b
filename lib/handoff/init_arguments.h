#pragma once

namespace lxcri::handoff {

// The argument of an lxcri-init whose parent process has said MessageKind::alive for it already.
inline constexpr const char* kAnnounced = "announced";

}  // namespace lxcri::handoff
