// Owns: /linux/resources/unified

#include "base/strings.h"
#include "cgroup/controller.h"

namespace lxcri::cgroup {

std::string unified_property(const std::string& file) {
    return concat("/unified/", file);
}

// "memory.high" is of the controller memory, "cgroup.max.depth" of none.
std::string unified_controller(const std::string& file) {
    std::string controller = file.substr(0, file.find('.'));
    return controller == "cgroup" ? "" : controller;
}

void apply_unified(const ContainerCgroup& cgroup, const oci::Resources& resources,
                   std::string_view base, Purpose purpose, Journal* journal) {
    const Directory* directory = cgroup.find_v2();
    if (resources.unified.empty() || directory == nullptr) return;
    const ControllerFiles files(cgroup, *directory, base, purpose, journal);
    for (const auto& [file, value] : resources.unified) {
        // The kernel takes one line for each write: io.max has one for each device.
        for (const std::string& line : split(value, '\n')) {
            if (!line.empty()) files.write(unified_property(file), file, line);
        }
    }
}

}  // namespace lxcri::cgroup
