#pragma once
// The device rules of a container's cgroup, by whichever means the host has: the devices controller
// of version 1, else a BPF program at the version 2 directory.

#include <string_view>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "cgroup/device_rules.h"
#include "cgroup/layout.h"

namespace lxcri::cgroup {

// Throws SpecError if this host cannot enforce the rules.
void check_devices(const Layout& layout, const std::vector<oci::DeviceRule>& rules,
                   std::string_view base);

// Replaces the rules that the cgroup has. A cgroup without directories is left to itself.
void apply_devices(const ContainerCgroup& cgroup, const std::vector<oci::DeviceRule>& rules,
                   std::string_view base);

// The two means.
void apply_devices_v1(int dir_fd, const DeviceListV1& list, std::string_view base);
void apply_devices_v2(int dir_fd, const std::vector<EffectiveRule>& rules);

}  // namespace lxcri::cgroup
