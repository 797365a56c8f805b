// Owns: /linux/resources/cpu/cpus, /linux/resources/cpu/mems

#include "cgroup/controller.h"

namespace lxcri::cgroup {

namespace {

bool is_set(const std::optional<std::string>& list) {
    return list && !list->empty();
}

std::string_view wanted(const oci::Resources& resources) {
    if (is_set(resources.cpu.cpus)) return "/cpu/cpus";
    return is_set(resources.cpu.mems) ? "/cpu/mems" : "";
}

void check(const oci::Resources&, int, Checker&) {}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    if (is_set(cpu.cpus)) files.write("/cpu/cpus", "cpuset.cpus", *cpu.cpus);
    if (is_set(cpu.mems)) files.write("/cpu/mems", "cpuset.mems", *cpu.mems);
}

}  // namespace

const Controller kCpusetController{
    "cpuset", "cpuset", "cpuset.cpus", "cpuset.cpus", wanted, check, apply,
};

}  // namespace lxcri::cgroup
