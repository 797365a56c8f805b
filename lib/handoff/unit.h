#pragma once
// The conversation with lxcri-systemd about the container's unit, over a channel (channel.h): a
// unit_request is answered by unit_done or failure. lxcri-systemd ends when the channel is closed.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lxcri::handoff {

// A property as systemd's D-Bus interface takes it.
struct UnitProperty {
    std::string pointer;  // where it was asked for: "/annotations/org.systemd.property.TasksMax"
    std::string name;     // "TasksMax"
    std::string type;     // D-Bus signature: a basic type, or "a" and a basic type
    std::vector<std::string> values;  // one unless it is an array; numbers in decimal
};

enum class UnitAction : std::uint8_t {
    start,           // a transient scope with the process in it
    set_properties,  // of the scope, until it ends
    attach,          // moves the process into a cgroup in the scope
    stop,            // the scope, when its description is this one
};

struct UnitRequest {
    UnitAction action = UnitAction::start;
    bool user_manager = false;  // systemd of the user, not that of the machine
    std::string unit;           // "lxcri-c1.scope"
    std::string description;    // unique: tells the unit from a later one of the same name
    std::string slice;          // start: "system.slice"
    pid_t pid = 0;              // start, attach
    std::string below;          // attach: the cgroup below that of the scope, "/container"
    std::vector<UnitProperty> properties;
    std::uint32_t timeout = 60;  // seconds
};

template <class Visitor>
void visit_fields(Visitor& visit, UnitProperty& property) {
    visit("pointer", property.pointer);
    visit("name", property.name);
    visit("type", property.type);
    visit("values", property.values);
}

template <class Visitor>
void visit_fields(Visitor& visit, UnitRequest& request) {
    visit("action", request.action);
    visit("userManager", request.user_manager);
    visit("unit", request.unit);
    visit("description", request.description);
    visit("slice", request.slice);
    visit("pid", request.pid);
    visit("below", request.below);
    visit("properties", request.properties);
    visit("timeout", request.timeout);
}

}  // namespace lxcri::handoff
