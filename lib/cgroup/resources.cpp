#include "cgroup/resources.h"

#include <fcntl.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cgroup/controller.h"
#include "cgroup/devices.h"
#include "os/file.h"

namespace lxcri::cgroup {

namespace {

// Which controllers the root of the version 2 hierarchy can give; read when it is asked first.
class AvailableV2 {
  public:
    explicit AvailableV2(const Hierarchy* hierarchy) : hierarchy_(hierarchy) {}

    bool has(std::string_view controller) {
        if (hierarchy_ == nullptr || controller.empty()) return false;
        if (!read_) {
            std::string text =
                os::find_file_at(AT_FDCWD, concat(hierarchy_->mount_point, "/cgroup.controllers"))
                    .value_or("");
            while (text.ends_with('\n')) text.pop_back();
            names_ = split(text, ' ');
            read_ = true;
        }
        return std::find(names_.begin(), names_.end(), controller) != names_.end();
    }

  private:
    const Hierarchy* hierarchy_;
    std::vector<std::string> names_;
    bool read_ = false;
};

std::string missing_controller(std::string_view v1, std::string_view v2) {
    if (v2.empty()) return concat("this host has no version 1 controller ", quoted(v1));
    if (v1 == v2) return concat("this host has no cgroup controller ", quoted(v1));
    return concat("this host has no cgroup controller ", quoted(v1), " (version 1) or ", quoted(v2),
                  " (version 2)");
}

// The missing file too: it is what an administrator looks for.
std::string missing_file(const ContainerCgroup& cgroup, const Controller& controller) {
    const Directory* v2 = cgroup.find_v2();
    const bool is_v2 = v2 != nullptr && !controller.v2.empty();
    std::string text = missing_controller(controller.v1, controller.v2);
    if (!is_v2) return text;
    return concat(text, ": open ", quoted(concat(v2->path, "/", controller.file_v2)), ": ",
                  errno_text(ENOENT));
}

void apply_limits(const ContainerCgroup& cgroup, const oci::Resources& resources,
                  std::string_view base, Purpose purpose) {
    for (const Controller* controller : kControllers) {
        const std::string_view property = controller->wanted(resources);
        // Values that mean "as a new cgroup has it" need no controller, but may undo an earlier
        // one.
        if (property.empty() && purpose == Purpose::create) continue;
        const Directory* directory = cgroup.find_v1(controller->v1);
        if (directory == nullptr && !controller->v2.empty()) {
            directory = cgroup.find_controller(controller->v2);
        }
        if (directory == nullptr && property.empty()) continue;
        if (directory == nullptr) {
            throw SpecError(concat(base, property), missing_file(cgroup, *controller));
        }
        controller->apply(ControllerFiles(cgroup, *directory, base, purpose), resources);
    }
    apply_unified(cgroup, resources, base, purpose);
}

}  // namespace

std::vector<std::string> check_resources(const Layout& layout, const oci::Resources& resources,
                                         std::string_view base) {
    Checker checker(base);
    AvailableV2 available(layout.find_v2());
    for (const Controller* controller : kControllers) {
        const std::string_view property = controller->wanted(resources);
        const bool is_v1 = layout.find_v1(controller->v1) != nullptr;
        const bool is_needed = !property.empty();
        if (is_needed && !is_v1 && !available.has(controller->v2)) {
            checker.reject(property, missing_controller(controller->v1, controller->v2));
        }
        controller->check(resources, is_v1 ? 1 : 2, checker);
    }
    check_unified(resources, layout.find_v2() != nullptr, checker);
    check_devices(layout, resources.devices, base);
    return checker.take_warnings();
}

std::vector<std::string> needed_controllers(const ContainerCgroup& cgroup,
                                            const oci::Resources& resources) {
    std::vector<std::string> names;
    const auto add = [&](std::string name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(std::move(name));
        }
    };
    for (const Controller* controller : kControllers) {
        if (controller->wanted(resources).empty() || controller->v2.empty()) continue;
        if (cgroup.find_v1(controller->v1) == nullptr) add(std::string(controller->v2));
    }
    for (std::string& name : unified_controllers(resources)) add(std::move(name));
    return names;
}

void apply_early(ContainerCgroup& cgroup, const oci::Resources& resources, std::string_view base) {
    cgroup.enable_controllers(needed_controllers(cgroup, resources));
    apply_devices(cgroup, resources.devices, base);
}

void apply_late(const ContainerCgroup& cgroup, const oci::Resources& resources,
                std::string_view base) {
    apply_limits(cgroup, resources, base, Purpose::create);
}

void apply_update(ContainerCgroup& cgroup, const oci::Resources& resources, std::string_view base) {
    cgroup.enable_controllers(needed_controllers(cgroup, resources));
    if (!resources.devices.empty()) apply_devices(cgroup, resources.devices, base);
    apply_limits(cgroup, resources, base, Purpose::update);
}

}  // namespace lxcri::cgroup
