#pragma once
// What `mounts` and `devices` have in common.

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/enum_table.h"

namespace lxcri::cmd {

enum class PlugAction { add, remove, list };
inline constexpr std::array<Named<PlugAction>, 3> kPlugActions{
    {{"add", PlugAction::add}, {"remove", PlugAction::remove}, {"list", PlugAction::list}}};

// "-": stdin.
std::string read_document(const std::string& file);

// One line. Paths may be anything but UTF-8.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace lxcri::cmd
