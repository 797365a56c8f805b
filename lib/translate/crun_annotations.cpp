// Owns:  the annotations run.oci.*, but for mount_context_type (mount_label.cpp) and
//        seccomp_fail_unknown_syscall (seccomp.cpp)
// Emits: ProcessPlan::keep_groups, StartPlan::keep_groups, HostPlan::hook_files,
// CgroupPlan::delegate,
//        HookPlan::{hook_out,hook_err}, InitPlan::{hook_out,hook_err}
#include "translate/crun_annotations.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "oci/validate_rules.h"
#include "translate/translators.h"

namespace lxcri::translate {

namespace {

constexpr std::string_view kPrefix = "run.oci.";
constexpr const char* kSubgroup = "run.oci.systemd.subgroup";
constexpr const char* kDelegate = "run.oci.delegate-cgroup";
constexpr const char* kHooksOut = "run.oci.hooks.stdout";
constexpr const char* kHooksErr = "run.oci.hooks.stderr";
constexpr const char* kKeepGroups = "run.oci.keep_original_groups";

constexpr std::array<std::string_view, 7> kApplied{kSubgroup,
                                                   kDelegate,
                                                   kHooksOut,
                                                   kHooksErr,
                                                   kKeepGroups,
                                                   "run.oci.mount_context_type",
                                                   "run.oci.seccomp_fail_unknown_syscall"};

struct Refused {
    std::string_view name;
    std::string_view why;
};

constexpr std::array<Refused, 6> kRefused{{
    {"run.oci.handler", "there are no handlers, the container process is executed as it is"},
    {"run.oci.pidfd_receiver", "the flag --pidfd-socket names a receiver"},
    {"run.oci.seccomp.plugins", "no plugins are loaded"},
    {"run.oci.seccomp.receiver", "/linux/seccomp/listenerPath names a receiver"},
    {"run.oci.seccomp_bpf_data", "a filter is made from /linux/seccomp alone"},
    {"run.oci.systemd.force_cgroup_v1", "a hierarchy of version 1 can be bound with /mounts"},
}};

std::string pointer_to(std::string_view annotation) {
    return concat("/annotations/", annotation);
}

const std::string* find(const oci::Spec& spec, const std::string& annotation) {
    const auto found = spec.annotations.find(annotation);
    return found == spec.annotations.end() ? nullptr : &found->second;
}

void check_names(const oci::Spec& spec, Plan& plan) {
    for (const auto& [name, value] : spec.annotations) {
        if (!name.starts_with(kPrefix)) continue;
        if (std::find(kApplied.begin(), kApplied.end(), name) != kApplied.end()) continue;
        const std::string& asked = name;  // clang before 16: a lambda takes no structured binding
        const auto refused = std::find_if(kRefused.begin(), kRefused.end(),
                                          [&](const Refused& row) { return row.name == asked; });
        if (refused != kRefused.end()) {
            throw SpecError(pointer_to(name), concat("not supported: ", refused->why));
        }
        plan.warnings.push_back(concat(pointer_to(name), ": unknown, without effect"));
    }
}

bool has_parent_element(std::string_view path) {
    const auto elements = split(path, '/');
    return std::find(elements.begin(), elements.end(), "..") != elements.end();
}

// "/init" and "init" are the same: a path below the container's cgroup.
std::string delegate_cgroup(const oci::Spec& spec, const Host& host) {
    const std::string* value = find(spec, kDelegate);
    if (value == nullptr || value->empty()) return {};
    if (!host.unified_cgroups) {
        throw SpecError(pointer_to(kDelegate),
                        "needs cgroup version 2: a cgroup of version 1 cannot be delegated safely");
    }
    std::string path = normalized_path(concat("/", *value)).substr(1);
    if (path.empty() || has_parent_element(path)) {
        oci::reject(pointer_to(kDelegate), in_quotes(*value),
                    "a path below the container's cgroup");
    }
    return path;
}

std::string hook_file(const oci::Spec& spec, const char* annotation) {
    const std::string* value = find(spec, annotation);
    if (value == nullptr) return {};
    if (value->empty()) oci::reject(pointer_to(annotation), "\"\"", "a path");
    return *value;
}

bool has_any(const oci::Hooks& hooks) {
    const auto lists = {&hooks.prestart,        &hooks.create_runtime, &hooks.create_container,
                        &hooks.start_container, &hooks.poststart,      &hooks.poststop};
    return std::any_of(lists.begin(), lists.end(), [](const auto* list) { return !list->empty(); });
}

}  // namespace

bool is_switched_on(const oci::Spec& spec, const std::string& annotation) {
    const std::string* value = find(spec, annotation);
    return value != nullptr && *value != "0";
}

HookFiles hook_files(const oci::Spec& spec) {
    HookFiles files{hook_file(spec, kHooksOut), hook_file(spec, kHooksErr)};
    // Without a hook no file is opened, or made.
    return has_any(spec.hooks) ? files : HookFiles{};
}

std::string systemd_subgroup(const oci::Spec& spec) {
    const std::string* value = find(spec, kSubgroup);
    if (value == nullptr) return "container";
    if (value->empty()) {
        throw SpecError(
            pointer_to(kSubgroup),
            "got \"\", but the container needs a cgroup below the scope: systemd sets the "
            "limits of the scope itself again");
    }
    if (*value == "." || *value == ".." || value->find('/') != std::string::npos) {
        oci::reject(pointer_to(kSubgroup), in_quotes(*value), "the name of a cgroup");
    }
    return *value;
}

void translate_crun_annotations(const oci::Spec& spec, const Host& host, Plan& plan) {
    check_names(spec, plan);
    const bool keep_groups = is_switched_on(spec, kKeepGroups);
    plan.init.process.keep_groups = keep_groups;
    plan.start.keep_groups = keep_groups;
    plan.host.cgroup.delegate = delegate_cgroup(spec, host);
    plan.host.hook_files = hook_files(spec);
    const bool out = !plan.host.hook_files.out.empty();
    const bool err = !plan.host.hook_files.err.empty();
    const bool in_create = !plan.hook.create_container.empty();
    const bool in_start = !plan.init.start_container.empty();
    plan.hook.hook_out = in_create && out;
    plan.hook.hook_err = in_create && err;
    plan.init.hook_out = in_start && out;
    plan.init.hook_err = in_start && err;
}

}  // namespace lxcri::translate
