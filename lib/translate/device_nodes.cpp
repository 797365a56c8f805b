// Owns:  /linux/devices
// Emits: HookPlan::{devices,bind_devices,made_devices}, HostPlan::devices
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

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

// mknod of a device needs CAP_MKNOD in the initial user namespace: mknod(2).
bool may_make_nodes(const Host& host) {
    constexpr unsigned kCapMknod = 27;
    return host.privileged && ((host.bounding_capabilities >> kCapMknod) & 1U) != 0;
}

// Nothing for the ID that stands for all that have none in the container.
std::optional<std::uint32_t> outer_id(const std::optional<std::uint32_t>& id,
                                      const std::vector<oci::IdMapping>& mappings,
                                      const std::string& pointer) {
    constexpr std::uint32_t kOverflow = 65534;  // user_namespaces(7)
    if (!id || mappings.empty()) return id;
    const auto outer = find_host_id(mappings, *id);
    if (!outer && *id != kOverflow) {
        throw SpecError(pointer, concat("got ", std::to_string(*id),
                                        ", which the user namespace does "
                                        "not map"));
    }
    return outer;
}

// `asked`: the entry of /linux/devices; null for a default device.
void add_outer_device(const oci::Spec& spec, const Host& host, const handoff::DeviceNode& node,
                      const oci::Device* asked, Plan& plan) {
    if (!plan.hook.bind_devices || node.type == handoff::NodeType::fifo) return;
    const bool made = plan.hook.made_devices;
    OuterDevice outer;
    outer.pointer = node.pointer.empty() ? "default device" : node.pointer;
    outer.path = node.path;
    outer.type = node.type;
    outer.major = node.major;
    outer.minor = node.minor;
    if (made || (asked != nullptr && asked->file_mode)) outer.mode = node.mode & 07777U;
    const std::vector<oci::IdMapping> none;
    const bool mapped = has_user_namespace(spec) && !host.ordinary_user;
    if (made || (asked != nullptr && asked->uid)) {
        outer.uid = outer_id(node.uid, mapped ? spec.linux_->uid_mappings : none,
                             concat(node.pointer, "/uid"));
    }
    if (made || (asked != nullptr && asked->gid)) {
        outer.gid = outer_id(node.gid, mapped ? spec.linux_->gid_mappings : none,
                             concat(node.pointer, "/gid"));
    }
    plan.host.devices.push_back(std::move(outer));
}

}  // namespace

void translate_device_nodes(const oci::Spec& spec, const Host& host, Plan& plan) {
    // The bundle brings a /dev of its own (often the host's): nothing is added to it.
    if (!plan.hook.set_up_dev) return;
    plan.hook.bind_devices = has_user_namespace(spec) || !may_make_nodes(host);
    // The hook needs a place for their tmpfs that is in no namespace of others.
    plan.hook.made_devices =
        plan.hook.bind_devices && may_make_nodes(host) && !plan.hook.shares_mounts;
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
        add_outer_device(spec, host, node, nullptr, plan);
        nodes.push_back(std::move(node));
    }
    for (std::size_t i = 0; i < listed.size(); ++i) {
        const auto& device = listed[i];
        // /dev/ptmx is a link into the container's own devpts.
        std::string path = normalized_path(device.path);
        if (path == "/dev/ptmx") continue;
        handoff::DeviceNode node;
        node.pointer =
            device.pointer.empty() ? concat("/linux/devices/", std::to_string(i)) : device.pointer;
        node.path = std::move(path);
        node.type = node_type(device.type);
        node.major = static_cast<std::uint32_t>(device.major.value_or(0));
        node.minor = static_cast<std::uint32_t>(device.minor.value_or(0));
        node.mode = device.file_mode.value_or(0666);
        node.uid = device.uid.value_or(0);
        node.gid = device.gid.value_or(0);
        add_outer_device(spec, host, node, &device, plan);
        nodes.push_back(std::move(node));
    }
}

}  // namespace lxcri::translate
