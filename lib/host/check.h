#pragma once
// What this machine can do for containers, and what it lacks. Looks, and changes nothing.

#include <array>
#include <string>
#include <vector>

#include "base/enum_table.h"
#include "settings/options.h"

namespace lxcri::host {

enum class Severity {
    ok,
    note,     // something is missing that few containers need
    warning,  // create refuses some properties of config.json
    error,    // no container can be created
};

inline constexpr std::array<Named<Severity>, 4> kSeverities{{
    {"ok", Severity::ok},
    {"note", Severity::note},
    {"warning", Severity::warning},
    {"error", Severity::error},
}};

struct Finding {
    std::string group;
    std::string name;
    Severity severity = Severity::ok;
    std::string text;
};

std::vector<Finding> check_host(const settings::Options& options);

// The parts of it.
std::vector<Finding> check_programs(const settings::Options& options);
std::vector<Finding> check_privileges();
std::vector<Finding> check_kernel();
std::vector<Finding> check_cgroups();
std::vector<Finding> check_security();

}  // namespace lxcri::host
