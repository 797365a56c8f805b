// Owns:  /linux/devices
// Emits: HookPlan::devices, HookPlan::bind_devices
#include <algorithm>
#include <array>
#include <string>

#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

struct DefaultDevice {
    const char* path;
    std::uint32_t major;
    std::uint32_t minor;
};

// runtime-spec config-linux.md "Default Devices"; /dev/console and /dev/ptmx are not nodes.
constexpr std::array<DefaultDevice, 6> kDefaultDevices{{
    {"/dev/null", 1, 3},
    {"/dev/zero", 1, 5},
    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8},
    {"/dev/urandom", 1, 9},
    {"/dev/tty", 5, 0},
}};

handoff::NodeType node_type(oci::DeviceType type) {
    switch (type) {
        case oci::DeviceType::character:
            return handoff::NodeType::character;
        case oci::DeviceType::block:
            return handoff::NodeType::block;
        case oci::DeviceType::fifo:
            return handoff::NodeType::fifo;
    }
    throw Error("internal error: unknown device type");
}

}  // namespace

void translate_device_nodes(const oci::Spec& spec, const Host& host, Plan& plan) {
    // The bundle brings a /dev of its own (often the host's): nothing is added to it.
    if (!plan.hook.set_up_dev) return;
    auto& nodes = plan.hook.devices;
    const auto& listed = spec.linux_ ? spec.linux_->devices : std::vector<oci::Device>{};
    for (const auto& device : kDefaultDevices) {
        // A listed device of the same path takes the place of the default one.
        const bool is_listed = std::any_of(
            listed.begin(), listed.end(),
            [&](const oci::Device& other) { return normalized_path(other.path) == device.path; });
        if (is_listed) continue;
        handoff::DeviceNode node;
        node.path = device.path;
        node.major = device.major;
        node.minor = device.minor;
        nodes.push_back(std::move(node));
    }
    for (std::size_t i = 0; i < listed.size(); ++i) {
        const auto& device = listed[i];
        // /dev/ptmx is a link into the container's own devpts.
        std::string path = normalized_path(device.path);
        if (path == "/dev/ptmx") continue;
        handoff::DeviceNode node;
        node.pointer = concat("/linux/devices/", std::to_string(i));
        node.path = std::move(path);
        node.type = node_type(device.type);
        node.major = static_cast<std::uint32_t>(device.major.value_or(0));
        node.minor = static_cast<std::uint32_t>(device.minor.value_or(0));
        node.mode = device.file_mode.value_or(0666);
        node.uid = device.uid.value_or(0);
        node.gid = device.gid.value_or(0);
        nodes.push_back(std::move(node));
    }
    // mknod of a device needs CAP_MKNOD in the initial user namespace: mknod(2).
    constexpr unsigned kCapMknod = 27;
    plan.hook.bind_devices = has_user_namespace(spec) || !host.privileged ||
                             ((host.bounding_capabilities >> kCapMknod) & 1U) == 0;
}

}  // namespace lxcri::translate
