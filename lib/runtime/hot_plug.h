#pragma once
// Mounts and devices that come into a running container, and go again. What `create` makes of
// /mounts and /linux/devices is made here by the same rules, each all or nothing; it is written
// down before it is there (record.h), and is gone with the container.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/record.h"
#include "settings/options.h"

namespace lxcri::runtime {

// `json`: one entry of /mounts as in config.json, or a list of them. A relative source counts from
// the bundle. StateError unless the container is running.
void add_mounts(const settings::Options& options, const std::string& id, std::string_view json);
// The last one that was added with this destination, and is not removed. Error when another mount
// is on top of it. One that the container has taken away already is forgotten, with a warning.
void remove_mount(const settings::Options& options, const std::string& id,
                  const std::string& destination);

struct MountStatus {
    PluggedMount mount;
    bool there = false;  // false: the container has taken it away, or has ended
};
std::vector<MountStatus> list_mounts(const settings::Options& options, const std::string& id);

// `json`: one entry of /linux/devices, or a list of them. `access`: letters out of "rwm", for the
// device rules.
void add_devices(const settings::Options& options, const std::string& id, std::string_view json,
                 const std::string& access);
void remove_device(const settings::Options& options, const std::string& id,
                   const std::string& path);
std::vector<PluggedDevice> list_devices(const settings::Options& options, const std::string& id);

// The rules with those of the devices that were added.
std::vector<oci::DeviceRule> with_plugged(std::vector<oci::DeviceRule> rules,
                                          const std::vector<PluggedDevice>& devices);

}  // namespace lxcri::runtime
