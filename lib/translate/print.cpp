// What `lxcri translate` shows.
#include <linux/filter.h>

#include <array>
#include <cinttypes>
#include <cstdio>
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

std::string_view enum_name(handoff::HookKind kind) {
    return name_of(handoff::kHookKinds, kind);
}

std::string_view enum_name(handoff::FilterLoading loading) {
    switch (loading) {
        case handoff::FilterLoading::none:
            return "none";
        case handoff::FilterLoading::as_root:
            return "as root";
        case handoff::FilterLoading::before_ready:
            return "before ready";
        case handoff::FilterLoading::last:
            return "last";
    }
    return "";
}

std::string_view enum_name(cgroup::Mode mode) {
    switch (mode) {
        case cgroup::Mode::none:
            return "none";
        case cgroup::Mode::legacy:
            return "legacy";
        case cgroup::Mode::hybrid:
            return "hybrid";
        case cgroup::Mode::unified:
            return "unified";
    }
    return "";
}

std::string_view enum_name(oci::NamespaceType type) {
    return name_of(oci::kNamespaceTypes, type);
}

std::string_view enum_name(oci::DeviceRuleType type) {
    return name_of(oci::kDeviceRuleTypes, type);
}

std::string_view enum_name(oci::RlimitType type) {
    return name_of(oci::kRlimitTypes, type);
}

std::string_view enum_name(oci::SchedulerPolicy policy) {
    return name_of(oci::kSchedulerPolicies, policy);
}

std::string_view enum_name(oci::SchedulerFlag flag) {
    return name_of(oci::kSchedulerFlags, flag);
}

std::string_view enum_name(oci::IoPriorityClass priority_class) {
    return name_of(oci::kIoPriorityClasses, priority_class);
}

// Machine code is not readable; a checksum shows whether it differs. (FNV-1a.)
std::string describe_program(const std::string& program) {
    std::uint64_t checksum = 0xcbf29ce484222325U;
    for (const char byte : program) {
        checksum = (checksum ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    }
    std::array<char, 17> digits{};
    (void)std::snprintf(digits.data(), digits.size(), "%016" PRIx64, checksum);
    return concat(std::to_string(program.size() / sizeof(sock_filter)), " instructions, checksum ",
                  digits.data());
}

// Turns the fields of a plan into JSON: the third use of visit_fields.
class Printer {
  public:
    explicit Printer(Defaults defaults) : defaults_(defaults) {}

    template <class T>
    void operator()(std::string_view name, T& value) {
        object_[std::string(name)] = to_json(value);
        if constexpr (std::is_same_v<T, std::string>) {
            if (name == "seccompProgram" && !value.empty()) {
                object_[std::string(name)] = describe_program(value);
            }
        }
    }

    template <class T>
    Json to_json(T& value) const {
        if constexpr (std::is_enum_v<T>) {
            return enum_name(value);
        } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
            return value;
        } else {
            Printer printer(defaults_);
            visit_fields(printer, value);
            if (defaults_ == Defaults::left_out) printer.leave_out(T{});
            return std::move(printer.object_);
        }
    }
    template <class T>
    Json to_json(std::vector<T>& values) const {
        Json array = Json::array();
        for (auto& value : values) array.push_back(to_json(value));
        return array;
    }
    template <class T>
    Json to_json(std::map<std::string, T>& values) const {
        Json object = Json::object();
        for (auto& [key, value] : values) object[key] = to_json(value);
        return object;
    }
    template <class T>
    Json to_json(std::optional<T>& value) const {
        return value ? to_json(*value) : Json(nullptr);
    }

  private:
    template <class T>
    void leave_out(T fresh) {
        Printer defaults(defaults_);
        visit_fields(defaults, fresh);
        for (const auto& [name, value] : defaults.object_.items()) {
            if (object_.at(name) == value) object_.erase(name);
        }
    }

    Defaults defaults_;
    Json object_ = Json::object();
};

}  // namespace

std::string lxc_config_text(const handoff::StartPlan& start) {
    std::string text;
    for (const auto& item : start.items)
        text += concat(item.key, " = ", printable(item.value), "\n");
    return text;
}

std::string plan_json(const Plan& plan, Defaults defaults) {
    // visit_fields takes T&, because decoding writes; printing works on a copy.
    Plan copy = plan;
    return Printer(defaults).to_json(copy).dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lxcri::translate
