#include "cgroup/resources.h"

#include <fcntl.h>

#include <algorithm>
#include <span>

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
    if (v2.empty()) return concat("this host has no version 1 controller ", in_quotes(v1));
    if (v1 == v2) return concat("this host has no cgroup controller ", in_quotes(v1));
    return concat("this host has no cgroup controller ", in_quotes(v1), " (version 1) or ",
                  in_quotes(v2), " (version 2)");
}

// The missing file too: it is what an administrator looks for.
std::string missing_file(const ContainerCgroup& cgroup, const Controller& controller) {
    const Directory* v2 = cgroup.find_v2();
    const bool is_v2 = v2 != nullptr && !controller.v2.empty();
    std::string text = missing_controller(controller.v1, controller.v2);
    if (!is_v2) return text;
    return concat(text, ": open ", in_quotes(concat(v2->path, "/", controller.file_v2)), ": ",
                  errno_text(ENOENT));
}

void apply_limits(const ContainerCgroup& cgroup, const oci::Resources& resources,
                  std::string_view base, Purpose purpose, Journal* journal = nullptr) {
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
        controller->apply(ControllerFiles(cgroup, *directory, base, purpose, journal), resources);
    }
    apply_unified(cgroup, resources, base, purpose, journal);
}

}  // namespace

bool has_limits(const oci::Resources& resources) {
    return !resources.unified.empty() ||
           std::any_of(kControllers.begin(), kControllers.end(), [&](const Controller* controller) {
               return !controller->wanted(resources).empty();
           });
}

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
    for (const auto& [file, value] : resources.unified) {
        const std::string controller = unified_controller(file);
        if (layout.find_v2() == nullptr) {
            checker.reject(unified_property(file),
                           "this host has cgroup version 1 only, and this is a file of version 2");
        }
        if (!controller.empty() && !available.has(controller)) {
            checker.reject(unified_property(file),
                           concat("this host has no version 2 controller ", in_quotes(controller)));
        }
    }
    check_devices(layout, resources.devices, base);
    return checker.take_warnings();
}

namespace {

struct Need {
    std::string controller;  // of version 2
    std::string property;
};

std::vector<Need> find_needs(const ContainerCgroup& cgroup, const oci::Resources& resources) {
    std::vector<Need> needs;
    for (const Controller* controller : kControllers) {
        const std::string_view property = controller->wanted(resources);
        if (property.empty() || controller->v2.empty()) continue;
        if (cgroup.find_v1(controller->v1) != nullptr) continue;
        needs.push_back({std::string(controller->v2), std::string(property)});
    }
    for (const auto& [file, value] : resources.unified) {
        std::string controller = unified_controller(file);
        if (!controller.empty()) needs.push_back({std::move(controller), unified_property(file)});
    }
    return needs;
}

void enable_needed(ContainerCgroup& cgroup, const oci::Resources& resources,
                   std::string_view base) {
    const auto needs = find_needs(cgroup, resources);
    std::vector<std::string> all;
    for (const Need& need : needs) {
        if (std::find(all.begin(), all.end(), need.controller) == all.end()) {
            all.push_back(need.controller);
        }
    }
    try {
        cgroup.enable_controllers(all);
    } catch (const Error&) {
        // One by one, to tell which property it is.
        for (const Need& need : needs) {
            try {
                cgroup.enable_controllers(std::span(&need.controller, 1));
            } catch (const Error& error) {
                throw SpecError(concat(base, need.property), error.what());
            }
        }
        throw;
    }
}

}  // namespace

void apply_early(ContainerCgroup& cgroup, const oci::Resources& resources, DeviceAccess devices,
                 std::string_view base) {
    enable_needed(cgroup, resources, base);
    if (devices == DeviceAccess::limited) apply_devices(cgroup, resources.devices, base);
}

void apply_late(const ContainerCgroup& cgroup, const oci::Resources& resources,
                std::string_view base) {
    apply_limits(cgroup, resources, base, Purpose::create);
}

void apply_update(ContainerCgroup& cgroup, const oci::Resources& resources, std::string_view base) {
    enable_needed(cgroup, resources, base);
    Journal journal;
    try {
        apply_limits(cgroup, resources, base, Purpose::update, &journal);
        // Last: they change all at once or not at all.
        if (!resources.devices.empty()) apply_devices(cgroup, resources.devices, base);
    } catch (Error& error) {
        error.add_consequence(journal.undo());
        throw;
    }
}

}  // namespace lxcri::cgroup
