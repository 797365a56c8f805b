// Whatever of config.json `create` acts on is in the plan: another value of a property is another
// plan, and so `translate --diff` shows it. For every row of the table of properties.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "golden_files.h"
#include "golden_host.h"
#include "oci/parse.h"
#include "oci/properties.h"
#include "oci/validate.h"
#include "support/catch.h"
#include "translate/diff.h"
#include "translate/plan.h"

using namespace lxcri;
using namespace lxcri::test;
using nlohmann::json;

namespace {

// Not to be seen in a plan that is made here, and why.
const std::map<std::string_view, std::string_view> kExceptions{
    {"/root/path", "Host::rootfs is what it means on the machine: translation_test.cpp"},
    {"/linux/personality/flags", "the specification defines none, and any is refused"},
};

// What a row needs that every-property.json cannot have beside the rest: a merge patch.
const json kMappings = json::parse(R"([{"containerID": 1, "hostID": 200000, "size": 10},
                                       {"containerID": 0, "hostID": 100000, "size": 1}])");
const std::map<std::string_view, json> kPreparations{
    {"/mounts/*/type", json::parse(R"({"mounts": [{"destination": "/data", "type": "tmpfs"}]})")},
    {"/linux/namespaces/*/type",
     json::parse(R"({"linux": {"namespaces": [{"type": "network", "path": "/run/ns"},
                                              {"type": "mount"}, {"type": "uts"},
                                              {"type": "user"}],
                               "timeOffsets": null, "netDevices": null, "sysctl": null}})")},
    {"/linux/uidMappings/*/containerID",
     {{"linux", {{"uidMappings", kMappings}, {"devices", nullptr}}}}},
    {"/linux/gidMappings/*/containerID",
     {{"linux", {{"gidMappings", kMappings}, {"devices", nullptr}}}}},
    {"/process/scheduler/priority",
     {{"process",
       {{"scheduler", {{"policy", "SCHED_FIFO"}, {"priority", 5}, {"nice", nullptr}}}}}}},
    {"/process/scheduler/runtime",
     {{"process",
       {{"scheduler",
         {{"policy", "SCHED_DEADLINE"}, {"runtime", 5}, {"deadline", 6}, {"period", 7}}}}}}},
    {"/process/scheduler/deadline",
     {{"process",
       {{"scheduler",
         {{"policy", "SCHED_DEADLINE"}, {"runtime", 5}, {"deadline", 6}, {"period", 7}}}}}}},
    {"/process/scheduler/period",
     {{"process",
       {{"scheduler",
         {{"policy", "SCHED_DEADLINE"}, {"runtime", 5}, {"deadline", 6}, {"period", 7}}}}}}},
};

// Another value where a property cannot be left out, or says the same when it is.
const std::map<std::string_view, json> kOthers{
    {"/ociVersion", "1.2.0"},
    {"/mounts/*/destination", "/other"},
    {"/mounts/*/type", "ramfs"},
    {"/mounts/*/source", "/srv/other"},
    {"/process/args", {"/bin/false"}},
    {"/process/cwd", "/other"},
    {"/process/consoleSize/height", 26},
    {"/process/consoleSize/width", 81},
    {"/process/user/uid", 5},
    {"/process/user/gid", 5},
    {"/process/capabilities/permitted", {"CAP_CHOWN"}},
    {"/process/ioPriority/class", "IOPRIO_CLASS_RT"},
    {"/process/ioPriority/priority", 5},
    {"/process/scheduler/policy", "SCHED_OTHER"},
    {"/process/scheduler/priority", 6},
    {"/process/scheduler/runtime", 4},
    {"/process/scheduler/deadline", 7},
    {"/process/scheduler/period", 8},
    {"/process/rlimits/*/type", "RLIMIT_CPU"},
    {"/process/rlimits/*/soft", 0},
    {"/process/rlimits/*/hard", 3},
    {"/linux/namespaces/*/type", "time"},
    {"/linux/namespaces/*/path", "/run/netns/b"},
    {"/linux/devices/*/type", "b"},
    {"/linux/devices/*/path", "/dev/other"},
    {"/linux/devices/*/major", 11},
    {"/linux/devices/*/minor", 230},
    {"/linux/resources/devices/*/allow", true},
    {"/linux/resources/devices/*/access", "r"},
    {"/linux/resources/blockIO/weightDevice/*/major", 9},
    {"/linux/resources/blockIO/weightDevice/*/minor", 9},
    {"/linux/resources/hugepageLimits/*/pageSize", "1GB"},
    {"/linux/resources/hugepageLimits/*/limit", 200},
    {"/linux/resources/network/priorities/*/name", "eth1"},
    {"/linux/resources/network/priorities/*/priority", 2},
    {"/linux/seccomp/defaultAction", "SCMP_ACT_TRACE"},
    {"/linux/seccomp/listenerPath", "/run/other"},
    {"/linux/seccomp/syscalls/*/names", {"close"}},
    {"/linux/seccomp/syscalls/*/action", "SCMP_ACT_TRACE"},
    {"/linux/seccomp/syscalls/*/args/*/index", 1},
    {"/linux/seccomp/syscalls/*/args/*/value", 2},
    {"/linux/seccomp/syscalls/*/args/*/op", "SCMP_CMP_EQ"},
    {"/linux/memoryPolicy/mode", "MPOL_INTERLEAVE"},
    {"/linux/memoryPolicy/nodes", "0-1"},
    {"/linux/personality/domain", "LINUX"},
};

// Of everything that ends in this.
json other_value(std::string_view path) {
    const auto found = kOthers.find(path);
    if (found != kOthers.end()) return found->second;
    if (path.ends_with("/path") && path.starts_with("/hooks")) return "/bin/b";
    if (path.ends_with("/containerID") || path.ends_with("/hostID")) return 2;
    if (path.ends_with("Mappings/*/size")) return 5;
    if (path.ends_with("Device/*/major") || path.ends_with("Device/*/minor")) return 9;
    if (path.ends_with("Device/*/rate")) return 9;
    return nullptr;  // left out
}

bool has_parts(std::string_view path) {
    const std::string below = concat(path, "/");
    const auto rows = oci::properties();
    return std::any_of(rows.begin(), rows.end(),
                       [&](const auto& row) { return row.path.starts_with(below); });
}

// "*" is the first element, or the first member.
json* find(json& document, std::string_view path, json** parent, std::string& key) {
    json* place = &document;
    for (const auto& step : split(std::string(path.substr(1)), '/')) {
        key = step;
        if (step == "*") {
            if (place->empty()) return nullptr;
            key = place->is_array() ? "0" : place->begin().key();
        }
        *parent = place;
        const auto next =
            place->is_array() ? json::json_pointer("/" + key) : json::json_pointer() / key;
        if (!place->contains(next)) return nullptr;
        place = &place->at(next);
    }
    return place;
}

json changed(json document, std::string_view path) {
    json* parent = nullptr;
    std::string key;
    json* place = find(document, path, &parent, key);
    REQUIRE(place != nullptr);  // every-property.json lacks it
    const json other = other_value(path);
    if (!other.is_null()) {
        REQUIRE(*place != other);
        *place = other;
    } else {
        REQUIRE(parent->is_object());
        parent->erase(key);
    }
    return document;
}

std::string plan_of(const json& document, const translate::Host& host) {
    const auto spec = oci::parse_spec(document.dump());
    (void)oci::validate(spec);
    return translate::plan_json(translate::translate(spec, host), translate::Defaults::left_out);
}

translate::Host host() {
    auto facts = json::parse(read_text(kGolden / "host.json"));
    auto host = host_from(facts);
    host.apparmor = true;
    host.selinux = true;
    return host;
}

}  // namespace

TEST_CASE("every property that create acts on is in the plan", "[golden]") {
    const auto document = json::parse(read_text(kGolden / "every-property.json"));
    std::size_t seen = 0;
    for (const auto& row : oci::properties()) {
        if (row.treatment == oci::Treatment::ignored || has_parts(row.path)) continue;
        if (kExceptions.contains(row.path)) continue;
        INFO(row.path);
        json before = document;
        const auto preparation = kPreparations.find(row.path);
        if (preparation != kPreparations.end()) before.merge_patch(preparation->second);
        try {
            const auto plan = plan_of(before, host());
            const auto other = plan_of(changed(before, row.path), host());
            CHECK_FALSE(translate::difference(plan, other).empty());
        } catch (const Error& error) {
            FAIL_CHECK(error.what());
        }
        ++seen;
    }
    CHECK(seen >= 150);
}

TEST_CASE("the exceptions and the other values are those of rows", "[golden]") {
    const auto rows = oci::properties();
    const auto is_row = [&](std::string_view path) {
        return std::any_of(rows.begin(), rows.end(),
                           [&](const auto& row) { return row.path == path; });
    };
    for (const auto& [path, why] : kExceptions) CHECK(is_row(path));
    for (const auto& [path, patch] : kPreparations) CHECK(is_row(path));
    for (const auto& [path, value] : kOthers) {
        INFO(path);
        CHECK(is_row(path));
    }
}
