// Owns:  nothing. What a low /linux/resources/memory/limit means for the order of things.
// Emits: InitPlan::enters_cgroup, InitPlan::new_cgroup_namespace; takes the cgroup namespace out of
//        lxc.namespace.clone
//
// Setting a container up takes more memory than some containers have: lxcri-start, the kernel's
// mounts, and what it frees only later. All that is counted where it is used first. So such a
// container is set up outside of its memory cgroup, and init enters when the rest is done.
#include <algorithm>

#include "base/strings.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

constexpr std::int64_t kEnoughForSetUp = 4 << 20;

bool has_little_memory(const oci::Spec& spec) {
    if (!spec.linux_ || !spec.linux_->resources) return false;
    const auto limit = spec.linux_->resources->memory.limit.value_or(0);
    return limit > 0 && limit < kEnoughForSetUp;
}

// What createContainer hooks leave running belongs into the container's cgroup. And a cgroup
// filesystem that is mounted before the namespace is made would show the host's cgroups.
bool may_be_outside(const Host& host, const Plan& plan) {
    const bool mounts_cgroups = std::any_of(
        plan.hook.mounts.begin(), plan.hook.mounts.end(), [](const handoff::MountAction& mount) {
            return mount.kind == handoff::MountKind::filesystem && mount.type.starts_with("cgroup");
        });
    return host.may_enter_cgroup_late && plan.hook.create_container.empty() && !mounts_cgroups;
}

void remove_word(std::string& words, std::string_view word) {
    auto list = split(words, ' ');
    std::erase(list, word);
    words = join(list, " ");
}

}  // namespace

void translate_little_memory(const oci::Spec& spec, const Host& host, Plan& plan) {
    if (!has_little_memory(spec) || !may_be_outside(host, plan)) return;
    plan.init.enters_cgroup = true;
    if (!has_new_namespace(spec, oci::NamespaceType::cgroup)) return;
    // Its root is the cgroup in which it is made.
    plan.init.new_cgroup_namespace = true;
    for (auto& item : plan.start.items) {
        if (item.key == "lxc.namespace.clone") remove_word(item.value, "cgroup");
    }
}

}  // namespace lxcri::translate
