// Owns: /linux/resources/unified

#include "base/strings.h"
#include "cgroup/controller.h"

namespace lxcri::cgroup {

namespace {

std::string property_of(const std::string& file) {
    return concat("/unified/", file);
}

}  // namespace

std::vector<std::string> unified_controllers(const oci::Resources& resources) {
    std::vector<std::string> controllers;
    for (const auto& [file, value] : resources.unified) {
        // "memory.high" is of the controller memory, "cgroup.max.depth" of none.
        std::string controller = file.substr(0, file.find('.'));
        if (controller != "cgroup") controllers.push_back(std::move(controller));
    }
    return controllers;
}

void check_unified(const oci::Resources& resources, bool has_v2, const Checker& checker) {
    if (resources.unified.empty() || has_v2) return;
    checker.reject(property_of(resources.unified.begin()->first),
                   "this host has cgroup version 1 only, and this is a file of version 2");
}

void apply_unified(const ContainerCgroup& cgroup, const oci::Resources& resources,
                   std::string_view base, Purpose purpose) {
    const Directory* directory = cgroup.find_v2();
    if (resources.unified.empty() || directory == nullptr) return;
    const ControllerFiles files(cgroup, *directory, base, purpose);
    for (const auto& [file, value] : resources.unified) {
        // The kernel takes one line for each write: io.max has one for each device.
        for (const std::string& line : split(value, '\n')) {
            if (!line.empty()) files.write(property_of(file), file, line);
        }
    }
}

}  // namespace lxcri::cgroup
