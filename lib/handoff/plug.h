#pragma once
// What lxcri-hook is asked to add to a running container, or to take away, over a channel
// (channel.h):
//
//   lxcri mounts, lxcri devices        lxcri-hook plug
//     JoinPlan: PlugRequest ---------->  joins all namespaces but that of the mounts, makes the
//     Sources (n times) -------------->  filesystems; joins that one
//                   <----------------- Ready: PlugPlace, for each mount and device in its turn
//     Recorded ----------------------->  attaches it
//                   <----------------- Ready, at the end
//
// With the request come a pidfd of the container, its mount namespace, and the tmpfs with the
// devices where the runtime has made them.

#include <array>
#include <cstdint>
#include <vector>

#include "base/enum_table.h"
#include "handoff/plan.h"

namespace lxcri::handoff {

// mknod(1).
inline constexpr std::array<Named<NodeType>, 3> kNodeTypes{{
    {"c", NodeType::character},
    {"b", NodeType::block},
    {"p", NodeType::fifo},
}};

// By which something that was added is found again.
struct PlugPlace {
    std::uint64_t mount_id = 0;  // 0: a device node, and no mount
    std::uint64_t device = 0;    // of the root of the mount, with
    std::uint64_t inode = 0;
    bool found = false;  // adding: the file was there before; removing: it was still there
};

struct PlugRemoval {
    PlugPlace place;
    bool is_device = false;
    // Where it is without a mount, and what.
    DeviceNode node;
};

struct PlugRequest {
    std::uint64_t namespaces = 0;  // CLONE_NEW*: those that are not the runtime's
    // One of these lists has something.
    std::vector<MountAction> mounts;
    std::vector<DeviceNode> devices;
    std::vector<PlugRemoval> removals;
    bool made_devices = false;  // as in HookPlan
};

template <class Visitor>
void visit_fields(Visitor& visit, PlugPlace& place) {
    visit("mountId", place.mount_id);
    visit("device", place.device);
    visit("inode", place.inode);
    visit("found", place.found);
}

template <class Visitor>
void visit_fields(Visitor& visit, PlugRemoval& removal) {
    visit("place", removal.place);
    visit("isDevice", removal.is_device);
    visit("node", removal.node);
}

template <class Visitor>
void visit_fields(Visitor& visit, PlugRequest& request) {
    visit("namespaces", request.namespaces);
    visit("mounts", request.mounts);
    visit("devices", request.devices);
    visit("removals", request.removals);
    visit("madeDevices", request.made_devices);
}

}  // namespace lxcri::handoff
