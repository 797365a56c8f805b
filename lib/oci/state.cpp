#include "oci/state.h"

#include <nlohmann/json.hpp>

namespace lxcri::oci {

std::string_view status_name(Status status) {
    return name_of(kStatuses, status);
}

bool may_start(Status status) {
    return status == Status::created;
}

// runtime.md "Kill": neither created nor running MUST be an error. A paused one is running to the
// spec; the signal waits there until it is resumed.
bool may_kill(Status status) {
    return status == Status::created || status == Status::running || status == Status::paused;
}

// runtime.md "Delete": not stopped MUST be an error. Not so for one that was never started: runc
// and crun kill and remove it, and buildah relies on that. Forced, it kills first: then
// this is not asked.
bool may_delete(Status status) {
    return status == Status::stopped || status == Status::created;
}

// In created the namespaces and limits are all there, and callers do it.
bool may_exec(Status status) {
    return status == Status::created || status == Status::running;
}

bool may_pause(Status status) {
    return status == Status::created || status == Status::running;
}

bool may_resume(Status status) {
    return status == Status::paused;
}

bool may_update(Status status) {
    return status == Status::created || status == Status::running || status == Status::paused;
}

std::string to_json(const State& state, JsonStyle style) {
    nlohmann::ordered_json json;
    json["ociVersion"] = state.oci_version;
    json["id"] = state.id;
    json["status"] = status_name(state.status);
    if (state.pid != 0) json["pid"] = state.pid;
    json["bundle"] = state.bundle;
    if (!state.rootfs.empty()) json["rootfs"] = state.rootfs;
    if (!state.created.empty()) json["created"] = state.created;
    if (!state.owner.empty()) json["owner"] = state.owner;
    if (!state.annotations.empty()) json["annotations"] = state.annotations;
    return json.dump(style == JsonStyle::indented ? 2 : -1, ' ', false,
                     nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace lxcri::oci
