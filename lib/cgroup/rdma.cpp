// Owns: /linux/resources/rdma

#include "base/strings.h"
#include "cgroup/controller.h"

namespace lxcri::cgroup {

namespace {

std::string_view wanted(const oci::Resources& resources) {
    return resources.rdma.empty() ? "" : "/rdma";
}

void check(const oci::Resources&, int, Checker&) {}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    for (const auto& [device, limits] : resources.rdma) {
        std::string value = device;
        if (limits.hca_handles)
            value += concat(" hca_handle=", std::to_string(*limits.hca_handles));
        if (limits.hca_objects)
            value += concat(" hca_object=", std::to_string(*limits.hca_objects));
        files.write(concat("/rdma/", device), "rdma.max", value);
    }
}

}  // namespace

const Controller kRdmaController{"rdma", "rdma", "rdma.max", "rdma.max", wanted, check, apply};

}  // namespace lxcri::cgroup
