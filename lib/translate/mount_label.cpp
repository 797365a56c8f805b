// Owns:  /linux/mountLabel, /annotations/run.oci.mount_context_type
// Emits: MountAction::data, MountAction::label, HookPlan::mount_label
#include <algorithm>
#include <array>
#include <string_view>

#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

// The kernel labels what is in them by itself, or they are the host's.
bool has_own_labels(std::string_view type) {
    constexpr std::array<std::string_view, 4> kTypes{"proc", "sysfs", "cgroup", "cgroup2"};
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

constexpr std::array<std::string_view, 4> kContexts{"context", "fscontext", "defcontext",
                                                    "rootcontext"};

bool has_context(const handoff::MountAction& action) {
    return std::any_of(action.data.begin(), action.data.end(), [](const std::string& option) {
        const std::string_view name = std::string_view(option).substr(0, option.find('='));
        return std::find(kContexts.begin(), kContexts.end(), name) != kContexts.end();
    });
}

// Which of mount(8)'s options carries the label.
std::string_view context_type(const oci::Spec& spec) {
    constexpr const char* kKey = "run.oci.mount_context_type";
    const auto found = spec.annotations.find(kKey);
    if (found == spec.annotations.end()) return kContexts.front();
    const auto type = std::find(kContexts.begin(), kContexts.end(), found->second);
    if (type != kContexts.end()) return *type;
    oci::reject(concat("/annotations/", kKey), in_quotes(found->second),
                "context, fscontext, defcontext or rootcontext");
}

}  // namespace

void translate_mount_label(const oci::Spec& spec, const Host& host, Plan& plan) {
    const std::string_view type = context_type(spec);
    if (!spec.linux_ || !spec.linux_->mount_label) return;
    const std::string& label = *spec.linux_->mount_label;
    if (!host.selinux) {
        // No one reads the label then. A label for the process is an error (labels.cpp).
        plan.warnings.push_back(concat("/linux/mountLabel: ", in_quotes(label),
                                       " has no effect: SELinux is not enabled on this host"));
        return;
    }
    plan.hook.mount_label = label;
    for (auto& action : plan.hook.mounts) {
        if (action.kind != handoff::MountKind::filesystem) continue;
        if (has_own_labels(action.type) || has_context(action)) continue;
        if (action.type == "mqueue") {
            action.label = label;  // one filesystem for each IPC namespace, which may have it set
        } else {
            action.data.push_back(concat(type, "=", label));
        }
    }
}

}  // namespace lxcri::translate
