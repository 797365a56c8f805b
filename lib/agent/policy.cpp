#include "agent/policy.h"

#include <algorithm>

#include "base/error.h"
#include "oci/json_reader.h"
#include "os/trusted_file.h"

namespace lxcri::agent {

namespace {

using oci::AgentCall;
using oci::JsonType;
using oci::JsonValue;

void read_calls(const JsonValue& json, std::vector<AgentCall>& calls) {
    if (json.type() != JsonType::array) json.reject("an array");
    json.for_each_child(
        [&](const JsonValue& name) { calls.push_back(name.one_of(oci::kAgentCalls)); });
}

bool is_program(const std::string& text) {
    return text.starts_with('/') || (!text.empty() && text.find('/') == std::string::npos);
}

void read_filesystems(const JsonValue& json, std::vector<Filesystem>& filesystems) {
    if (json.type() != JsonType::array) json.reject("an array");
    json.for_each_child([&](const JsonValue& element) {
        const oci::JsonObject object(element);
        Filesystem& filesystem = filesystems.emplace_back();
        object.required("type", filesystem.type);
        object.optional("options", filesystem.options);
        if (const auto fuse = element.find("fuse")) {
            object.required("fuse", filesystem.fuse);
            if (!is_program(filesystem.fuse)) {
                fuse->reject("the name of a program, or a path that begins with /");
            }
        }
    });
}

}  // namespace

bool Policy::allows(AgentCall call) const {
    return std::find(calls.begin(), calls.end(), call) != calls.end();
}

const Filesystem* Policy::find_filesystem(std::string_view type) const {
    const auto found =
        std::find_if(filesystems.begin(), filesystems.end(),
                     [&](const Filesystem& filesystem) { return filesystem.type == type; });
    return found == filesystems.end() ? nullptr : &*found;
}

Policy parse_policy(std::string_view json) {
    Policy policy;
    const oci::JsonDocument document(json);
    document.root().for_each_child([&](const JsonValue& member) {
        if (member.key() == "calls") {
            read_calls(member, policy.calls);
        } else if (member.key() == "mostPriority") {
            policy.most_priority = static_cast<int>(member.integer(1, 99));
        } else if (member.key() == "filesystems") {
            read_filesystems(member, policy.filesystems);
        } else {
            member.fail("not known; known are calls, mostPriority, filesystems");
        }
    });
    return policy;
}

Policy read_policy(const std::string& path) {
    const auto text = os::find_trusted_file(path);
    if (!text) return {};
    return in_context(path, [&] { return parse_policy(*text); });
}

}  // namespace lxcri::agent
