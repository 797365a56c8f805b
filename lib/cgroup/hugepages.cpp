// Owns: /linux/resources/hugepageLimits

#include <cerrno>

#include "base/strings.h"
#include "cgroup/controller.h"

namespace lxcri::cgroup {

namespace {

std::string_view wanted(const oci::Resources& resources) {
    return resources.hugepage_limits.empty() ? "" : "/hugepageLimits";
}

void check(const oci::Resources&, int, Checker&) {}

void apply(const ControllerFiles& files, const oci::Resources& resources) {
    const auto& limits = resources.hugepage_limits;
    const std::string end = files.is_v1() ? "limit_in_bytes" : "max";
    for (std::size_t i = 0; i < limits.size(); ++i) {
        const std::string property = concat("/hugepageLimits/", std::to_string(i));
        const std::string value = std::to_string(limits[i].limit);
        // What is reserved is limited before what is used can be; Linux 5.7 has both.
        const std::string reserved = concat("hugetlb.", limits[i].page_size, ".rsvd.", end);
        const int error = files.try_write(reserved, value);
        if (error != 0 && error != ENOENT) files.fail(property, reserved, value, error);
        files.write(property, concat("hugetlb.", limits[i].page_size, ".", end), value);
    }
}

}  // namespace

const Controller kHugepagesController{
    "hugetlb", "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max", wanted, check, apply,
};

}  // namespace lxcri::cgroup
