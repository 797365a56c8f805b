#include "cgroup/devices.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"

namespace lxcri::cgroup {

void check_devices(const Layout& layout, const std::vector<oci::DeviceRule>& rules,
                   std::string_view base) {
    if (layout.find_v1("devices") != nullptr) {
        (void)device_list_v1(effective_rules(rules), base);
    } else if (layout.find_v2() == nullptr && !rules.empty()) {
        throw SpecError(
            concat(base, "/devices"),
            "this host has neither a cgroup controller \"devices\" nor cgroup version 2");
    }
}

void apply_devices(const ContainerCgroup& cgroup, const std::vector<oci::DeviceRule>& rules,
                   std::string_view base) {
    const auto effective = effective_rules(rules);
    if (const Directory* directory = cgroup.find_v1("devices")) {
        const os::UniqueFd dir = os::open_at(AT_FDCWD, directory->path, O_PATH | O_DIRECTORY);
        apply_devices_v1(dir.get(), device_list_v1(effective, base), base);
    } else if (const Directory* v2 = cgroup.find_v2()) {
        const os::UniqueFd dir = os::open_at(AT_FDCWD, v2->path, O_RDONLY | O_DIRECTORY);
        in_context("device rules", [&] { apply_devices_v2(dir.get(), effective); });
    }
}

}  // namespace lxcri::cgroup
