// Owns: /linux/resources/network
//
// Version 1 only. A class of 0 is what a cgroup has anyway.

#include "base/strings.h"
#include "cgroup/controller.h"

namespace lxcri::cgroup {

namespace {

std::string_view wanted_class(const oci::Resources& resources) {
    return resources.network.class_id.value_or(0) != 0 ? "/network/classID" : "";
}

std::string_view wanted_priorities(const oci::Resources& resources) {
    return resources.network.priorities.empty() ? "" : "/network/priorities";
}

void check(const oci::Resources&, int, Checker&) {}

void apply_class(const ControllerFiles& files, const oci::Resources& resources) {
    if (const auto id = resources.network.class_id) {
        files.write("/network/classID", "net_cls.classid", std::to_string(*id));
    }
}

void apply_priorities(const ControllerFiles& files, const oci::Resources& resources) {
    const auto& priorities = resources.network.priorities;
    for (std::size_t i = 0; i < priorities.size(); ++i) {
        files.write(concat("/network/priorities/", std::to_string(i)), "net_prio.ifpriomap",
                    concat(priorities[i].name, " ", std::to_string(priorities[i].priority)));
    }
}

}  // namespace

const Controller kNetworkClassController{
    "net_cls", "", "net_cls.classid", "", wanted_class, check, apply_class,
};

const Controller kNetworkPriorityController{
    "net_prio", "", "net_prio.ifpriomap", "", wanted_priorities, check, apply_priorities,
};

}  // namespace lxcri::cgroup
