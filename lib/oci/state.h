#pragma once
// The state of a container as others see it: runtime-spec runtime.md "State" and "Lifecycle".

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "base/enum_table.h"

namespace lxcri::oci {

enum class Status { creating, created, running, paused, stopped };

inline constexpr std::array<Named<Status>, 5> kStatuses{{
    {"creating", Status::creating},
    {"created", Status::created},
    {"running", Status::running},
    {"paused", Status::paused},  // not of the spec, which allows additions
    {"stopped", Status::stopped},
}};

std::string_view status_name(Status status);

// The only place that says which operation is allowed when.
bool may_start(Status status);
bool may_kill(Status status);
bool may_delete(Status status);
bool may_exec(Status status);
bool may_pause(Status status);
bool may_resume(Status status);
bool may_update(Status status);

struct State {
    std::string oci_version;
    std::string id;
    Status status = Status::creating;
    int pid = 0;         // of the container process, seen by the caller; 0: none
    std::string bundle;  // absolute
    std::map<std::string, std::string> annotations;
    std::string rootfs;   // absolute, on the host; empty: left out
    std::string created;  // RFC 3339 in UTC; empty: left out
    std::string owner;    // name of the user; empty: left out
};

enum class JsonStyle { indented, one_line };

// The JSON object that `state` prints, and that hooks get on stdin, on one line: scripts read it
// with sed. No newline at the end. Bytes that are not UTF-8 (a path may have them) become U+FFFD.
std::string to_json(const State& state, JsonStyle style = JsonStyle::indented);

}  // namespace lxcri::oci
