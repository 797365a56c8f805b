#pragma once
// What `mounts` and `devices` have in common.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "options.h"
#include "settings/options.h"

namespace lxcri::cmd {

enum class PlugAction { add, remove, list };
inline constexpr std::array<Named<PlugAction>, 3> kPlugActions{
    {{"add", PlugAction::add}, {"remove", PlugAction::remove}, {"list", PlugAction::list}}};

// ACTION ID [NAME]: what both begin with.
struct PlugValues {
    std::string action;
    std::string id;
    std::string name;  // in the container, of `remove`
    Format format = Format::people;
};

// What a command does for each action. `name`: what the help text calls PlugValues::name.
template <class Values>
struct PlugCommand {
    std::string_view name;
    void (*add)(const Values& values, const settings::Options& options);
    void (*remove)(const settings::Options& options, const std::string& id,
                   const std::string& name);
    void (*list)(const Values& values, const settings::Options& options);
};

template <class Values>
void run_action(const PlugCommand<Values>& command, const Values& values,
                const settings::Options& options) {
    switch (choose(kPlugActions, "ACTION", values.action)) {
        case PlugAction::add:
            command.add(values, options);
            break;
        case PlugAction::remove:
            if (values.name.empty()) throw Error(concat("remove: ", command.name, " is missing"));
            command.remove(options, values.id, values.name);
            break;
        case PlugAction::list:
            command.list(values, options);
            break;
    }
}

// `add` takes no name.
void refuse_name(const PlugValues& values);

// "-": stdin.
std::string read_document(const std::string& file);

// One line. Paths may be anything but UTF-8.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace lxcri::cmd
