// Owns:  nothing. What the mounts and devices of the plan need of the host.
// Emits: HostPlan::sources, MountAction::{source_index,source_late}, DeviceNode::source_index
#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

std::uint32_t size_of(const std::vector<MountSource>& sources) {
    return static_cast<std::uint32_t>(sources.size());
}

void number_mounts(Plan& plan) {
    auto& sources = plan.host.sources;
    bool after_filesystem = false;
    for (std::size_t i = 0; i < plan.hook.mounts.size(); ++i) {
        auto& mount = plan.hook.mounts[i];
        if (mount.kind == handoff::MountKind::filesystem) after_filesystem = true;
        if (mount.kind != handoff::MountKind::bind || mount.source_inside) continue;
        mount.source_index = size_of(sources);
        mount.source_late = after_filesystem;
        MountSource source{concat(mount.pointer, "/source"),
                           mount.source,
                           mount.recursive,
                           after_filesystem,
                           static_cast<std::uint32_t>(i),
                           {},
                           {}};
        for (const auto& filesystem : plan.host.filesystems) {
            if (filesystem.pointer == mount.pointer) source.shown = filesystem.shown;
        }
        sources.push_back(std::move(source));
        after_filesystem = false;
    }
}

// HostPlan::devices has those of HookPlan::devices that are no FIFOs.
void number_devices(Plan& plan) {
    if (!plan.hook.bind_devices) return;
    std::uint32_t number = 0;
    for (auto& node : plan.hook.devices) {
        if (node.type == handoff::NodeType::fifo) continue;
        const std::uint32_t device = number++;
        node.source_index = plan.hook.made_devices ? device : size_of(plan.host.sources);
        if (plan.hook.made_devices) continue;
        const OuterDevice& outer = plan.host.devices.at(device);
        plan.host.sources.push_back({outer.pointer, outer.path, false, false, {}, device, {}});
    }
}

}  // namespace

void translate_sources(Plan& plan) {
    number_mounts(plan);
    number_devices(plan);
}

}  // namespace lxcri::translate
