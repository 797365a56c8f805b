// What `lxcri translate` shows.
#include <linux/filter.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/enum_table.h"
#include "base/printable.h"
#include "base/strings.h"
#include "translate/plan.h"

namespace lxcri::translate {

namespace {

using Json = nlohmann::ordered_json;

std::string_view enum_name(handoff::MountKind kind) {
    switch (kind) {
        case handoff::MountKind::bind:
            return "bind";
        case handoff::MountKind::filesystem:
            return "filesystem";
        case handoff::MountKind::symlink:
            return "symlink";
        case handoff::MountKind::attributes:
            return "attributes";
    }
    return "";
}

std::string_view enum_name(handoff::NodeType type) {
    switch (type) {
        case handoff::NodeType::character:
            return "character";
        case handoff::NodeType::block:
            return "block";
        case handoff::NodeType::fifo:
            return "fifo";
    }
    return "";
}

// Turns the fields of a plan into JSON: the third use of visit_fields.
class Printer {
  public:
    template <class T>
    void operator()(std::string_view name, T& value) {
        if (name == "seccompProgram") return print_program(value);
        if constexpr (std::is_same_v<T, bool>) {
            // The exception, and then it is worth a line.
            constexpr std::array<std::string_view, 14> kRare{
                "entersCgroup",   "newCgroupNamespace",
                "netDevices",     "sharesMounts",
                "madeDevices",    "sourceInside",
                "sourceNofollow", "copySymlink",
                "keepGroups",     "destinationNofollow",
                "hookOut",        "hookErr",
                "coveredRoot",    "console"};
            if (!value && std::find(kRare.begin(), kRare.end(), name) != kRare.end()) return;
        }
        if constexpr (std::is_same_v<T, std::uint64_t>) {
            if (name == "clearIfAllowed" && value == 0) return;
        }
        object_[std::string(name)] = to_json(value);
    }

    template <class T>
    static Json to_json(T& value) {
        if constexpr (std::is_enum_v<T>) {
            return enum_name(value);
        } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
            return value;
        } else {
            Printer printer;
            visit_fields(printer, value);
            return std::move(printer.object_);
        }
    }
    template <class T>
    static Json to_json(std::vector<T>& values) {
        Json array = Json::array();
        for (auto& value : values) array.push_back(to_json(value));
        return array;
    }
    template <class T>
    static Json to_json(std::optional<T>& value) {
        return value ? to_json(*value) : Json(nullptr);
    }

  private:
    // Machine code: its length says enough.
    void print_program(const std::string& program) {
        object_["seccompInstructions"] = program.size() / sizeof(sock_filter);
    }
    template <class T>
    void print_program(const T& /*of another type*/) {}

    Json object_ = Json::object();
};

Json scheduler_json(const oci::Scheduler& scheduler) {
    Json json{{"policy", name_of(oci::kSchedulerPolicies, scheduler.policy)},
              {"nice", scheduler.nice.value_or(0)},
              {"priority", scheduler.priority.value_or(0)},
              {"flags", Json::array()},
              {"runtime", scheduler.runtime.value_or(0)},
              {"deadline", scheduler.deadline.value_or(0)},
              {"period", scheduler.period.value_or(0)}};
    for (const auto flag : scheduler.flags) {
        json["flags"].push_back(name_of(oci::kSchedulerFlags, flag));
    }
    return json;
}

Json device_json(const OuterDevice& device) {
    Json json{{"path", device.path}};
    if (device.mode) json["mode"] = *device.mode;
    if (device.uid) json["uid"] = *device.uid;
    if (device.gid) json["gid"] = *device.gid;
    return json;
}

Json host_json(const HostPlan& host) {
    Json json = Json::object();
    json["rootfs"] = host.rootfs;
    json["cgroupsPath"] = host.cgroups_path.value_or("");
    if (host.cgroup_owner) json["cgroupOwner"] = *host.cgroup_owner;
    json["joinNamespaces"] = Json::array();
    for (const auto& entry : host.namespaces) {
        json["joinNamespaces"].push_back({{"type", entry.type}, {"path", entry.path}});
    }
    for (const auto& device : host.net_devices) {
        json["netDevices"].push_back({{"name", device.name}, {"newName", device.new_name}});
    }
    for (const auto& device : host.devices) json["devices"].push_back(device_json(device));
    for (const auto& filesystem : host.filesystems) {
        json["filesystems"].push_back(
            {{"mount", filesystem.pointer}, {"shows", filesystem.shown.path}});
    }
    json["rlimits"] = Json::array();
    for (const auto& limit : host.limits.rlimits) {
        json["rlimits"].push_back({{"type", name_of(oci::kRlimitTypes, limit.type)},
                                   {"soft", limit.soft},
                                   {"hard", limit.hard}});
    }
    if (host.limits.oom_score_adj) json["oomScoreAdj"] = *host.limits.oom_score_adj;
    if (host.limits.scheduler) json["scheduler"] = scheduler_json(*host.limits.scheduler);
    if (const auto& priority = host.limits.io_priority) {
        json["ioPriority"] = {{"class", name_of(oci::kIoPriorityClasses, priority->class_)},
                              {"priority", priority->priority}};
    }
    auto prestart = host.prestart;
    auto create_runtime = host.create_runtime;
    json["prestart"] = Printer::to_json(prestart);
    json["createRuntime"] = Printer::to_json(create_runtime);
    if (!host.hook_files.out.empty()) json["hookOut"] = host.hook_files.out;
    if (!host.hook_files.err.empty()) json["hookErr"] = host.hook_files.err;
    if (!host.delegate_cgroup.empty()) json["delegateCgroup"] = host.delegate_cgroup;
    return json;
}

}  // namespace

std::string lxc_config_text(const handoff::StartPlan& start) {
    std::string text;
    for (const auto& item : start.items)
        text += concat(item.key, " = ", printable(item.value), "\n");
    return text;
}

std::string plan_json(const Plan& plan) {
    // visit_fields takes T&, because decoding writes; printing works on a copy.
    Plan copy = plan;
    Json json = Json::object();
    json["create"] = host_json(plan.host);
    json["start"] = Printer::to_json(copy.start);
    json["hook"] = Printer::to_json(copy.hook);
    json["init"] = Printer::to_json(copy.init);
    json["warnings"] = plan.warnings;
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lxcri::translate
