#pragma once
// /linux/resources to the files of the container's cgroup.
//
// The order in `lxcri create`:
//     check_resources(layout, resources)            before anything is made
//     cgroup = ContainerCgroup::create(...)
//     apply_early(cgroup, resources)                controllers, devices; lxcri-start not yet in it
//     ... init waits at the FIFO, lxcri-start has gone ...
//     apply_late(cgroup, resources)                 every limit
// and in `lxcri update`: check_resources, apply_update.
//
// `base` is the JSON pointer of the resources in the document that the caller wrote.

#include <string>
#include <string_view>
#include <vector>

#include "cgroup/container_cgroup.h"
#include "cgroup/layout.h"
#include "oci/resources.h"

namespace lxcri::cgroup {

inline constexpr std::string_view kResourcesPointer = "/linux/resources";

// Only root of the host can limit access to devices, and only for root it is necessary: no other
// user can make a device node (mknod(2)), and existing nodes have their owners and modes.
enum class DeviceAccess { limited, as_on_host };

// Is anything asked for that needs a cgroup? Not device rules: where cgroups are not to be had,
// neither are device nodes (mknod(2) in a user namespace).
bool has_limits(const oci::Resources& resources);

// What can be known without a cgroup: SpecError for a property that this host has no controller
// for, or that its cgroup version does not have. Returns warnings: what is accepted without effect.
// What oci::validate() finds is not looked for again.
std::vector<std::string> check_resources(const Layout& layout, const oci::Resources& resources,
                                         std::string_view base = kResourcesPointer);

// What must be there before the first process is in the cgroup: the controllers (version 2) and
// the device rules. lxcri-start may be in it already: it can live with them. With no rules at all
// the defaults alone apply.
void apply_early(ContainerCgroup& cgroup, const oci::Resources& resources, DeviceAccess devices,
                 std::string_view base = kResourcesPointer);

// Every other limit. Only init may be in the cgroup: limits for the container need not be enough
// for lxcri-start. SpecError with the property, the file and the errno where the host refuses, and
// with limit and use for a memory limit that is too low.
void apply_late(const ContainerCgroup& cgroup, const oci::Resources& resources,
                std::string_view base = kResourcesPointer);

// Limits of a container that runs. Only what is present changes; the device rules stay unless
// the list has some. An Error says what has become of what was changed before it: it has been put
// back, as far as the kernel has let us.
void apply_update(ContainerCgroup& cgroup, const oci::Resources& resources,
                  std::string_view base = kResourcesPointer);

}  // namespace lxcri::cgroup
