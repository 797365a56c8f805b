#include "runtime/record.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

using Json = nlohmann::json;

constexpr const char* kFile = "state.json";

Json directory_json(const cgroup::Directory& directory) {
    Json json{{"version", directory.version},
              {"controllers", directory.controllers},
              {"mountPoint", directory.mount_point},
              {"path", directory.path},
              {"inode", directory.inode}};
    if (!directory.first_missing.empty()) json["firstMissing"] = directory.first_missing;
    return json;
}

cgroup::Directory directory_from(const Json& json) {
    cgroup::Directory directory;
    json.at("version").get_to(directory.version);
    json.at("controllers").get_to(directory.controllers);
    json.at("mountPoint").get_to(directory.mount_point);
    json.at("path").get_to(directory.path);
    json.at("inode").get_to(directory.inode);
    directory.first_missing = json.value("firstMissing", "");
    return directory;
}

Json cgroup_json(const cgroup::Record& cgroup) {
    Json json = Json::array();
    for (const auto& directory : cgroup.directories) json.push_back(directory_json(directory));
    return json;
}

cgroup::Record cgroup_from(const Json& json) {
    cgroup::Record cgroup;
    for (const auto& directory : json) cgroup.directories.push_back(directory_from(directory));
    return cgroup;
}

Json root_mount_json(const attached::RootMount& mount) {
    return {{"id", mount.id}, {"namespace", mount.mount_namespace}};
}

Json resctrl_json(const attached::ResctrlRecord& resctrl) {
    return {{"group", resctrl.group}, {"made", resctrl.made}, {"monitor", resctrl.monitor}};
}

attached::ResctrlRecord resctrl_from(const Json& json) {
    attached::ResctrlRecord resctrl;
    json.at("group").get_to(resctrl.group);
    json.at("made").get_to(resctrl.made);
    json.at("monitor").get_to(resctrl.monitor);
    return resctrl;
}

Json place_json(const handoff::PlugPlace& place) {
    return {{"mountId", place.mount_id},
            {"device", place.device},
            {"inode", place.inode},
            {"found", place.found}};
}

handoff::PlugPlace place_from(const Json& json) {
    return {json.at("mountId"), json.at("device"), json.at("inode"), json.at("found")};
}

Json mounts_json(const std::vector<PluggedMount>& mounts) {
    Json json = Json::array();
    for (const auto& mount : mounts) {
        json.push_back({{"destination", mount.destination},
                        {"type", mount.type},
                        {"source", mount.source},
                        {"options", mount.options},
                        {"place", place_json(mount.place)}});
    }
    return json;
}

std::vector<PluggedMount> mounts_from(const Json& json) {
    std::vector<PluggedMount> mounts;
    for (const auto& entry : json) {
        mounts.push_back({entry.at("destination"), entry.at("type"), entry.at("source"),
                          entry.at("options"), place_from(entry.at("place"))});
    }
    return mounts;
}

Json devices_json(const std::vector<PluggedDevice>& devices) {
    Json json = Json::array();
    for (const auto& [node, access, place] : devices) {
        json.push_back({{"path", node.path},
                        {"type", std::string(name_of(handoff::kNodeTypes, node.type))},
                        {"major", node.major},
                        {"minor", node.minor},
                        {"access", access},
                        {"place", place_json(place)}});
    }
    return json;
}

std::vector<PluggedDevice> devices_from(const Json& json) {
    std::vector<PluggedDevice> devices;
    for (const auto& entry : json) {
        PluggedDevice& device = devices.emplace_back();
        entry.at("path").get_to(device.node.path);
        const auto type = value_of(handoff::kNodeTypes, entry.at("type").get<std::string>());
        if (!type) throw Error("state.json is damaged: an unknown type of a device");
        device.node.type = *type;
        entry.at("major").get_to(device.node.major);
        entry.at("minor").get_to(device.node.minor);
        entry.at("access").get_to(device.access);
        device.place = place_from(entry.at("place"));
    }
    return devices;
}

Json number_json(const std::optional<std::int64_t>& number) {
    return number ? Json(*number) : Json();
}

std::optional<std::int64_t> number_from(const Json& json) {
    if (json.is_null()) return {};
    return json.get<std::int64_t>();
}

Json rules_json(const std::vector<oci::DeviceRule>& rules) {
    Json json = Json::array();
    for (const auto& rule : rules) {
        json.push_back({{"allow", rule.allow},
                        {"type", std::string(name_of(oci::kDeviceRuleTypes, rule.type))},
                        {"major", number_json(rule.major)},
                        {"minor", number_json(rule.minor)},
                        {"access", rule.access}});
    }
    return json;
}

std::vector<oci::DeviceRule> rules_from(const Json& json) {
    std::vector<oci::DeviceRule> rules;
    for (const auto& entry : json) {
        const auto type = value_of(oci::kDeviceRuleTypes, entry.at("type").get<std::string>());
        if (!type) throw Error("state.json is damaged: an unknown type of a device rule");
        rules.push_back({entry.at("allow"), *type, number_from(entry.at("major")),
                         number_from(entry.at("minor")), entry.at("access")});
    }
    return rules;
}

}  // namespace

pid_t pid_for_callers(const Record& record) {
    if (record.supervisor_pid != 0) return record.supervisor_pid;
    return record.monitor_pid != 0 ? record.monitor_pid : record.pid;
}

std::string record_json(const Record& record) {
    Json json{{"id", record.id},
              {"ociVersion", record.oci_version},
              {"bundle", record.bundle},
              {"rootfs", record.rootfs},
              {"created", record.created},
              {"owner", record.owner},
              {"annotations", record.annotations},
              {"pid", record.pid},
              {"startTime", record.start_time},
              {"monitorPid", record.monitor_pid},
              {"monitorStartTime", record.monitor_start_time},
              {"ownPidNamespace", record.own_pid_namespace},
              {"ownsCgroup", record.owns_cgroup},
              {"cgroup", cgroup_json(record.cgroup)}};
    // Few containers have these, and `list` reads all records.
    if (!record.needs_plan) json["needsPlan"] = false;
    if (record.supervisor_pid != 0) {
        json["supervisor"] = {{"pid", record.supervisor_pid},
                              {"startTime", record.supervisor_start_time}};
    }
    if (!record.unit.empty()) json["unit"] = record.unit;
    if (record.root_mount.id != 0) json["rootMount"] = root_mount_json(record.root_mount);
    if (!record.resctrl.group.empty()) json["resctrl"] = resctrl_json(record.resctrl);
    if (!record.mounts.empty()) json["mounts"] = mounts_json(record.mounts);
    if (!record.devices.empty()) json["devices"] = devices_json(record.devices);
    if (record.device_rules) json["deviceRules"] = rules_json(*record.device_rules);
    if (!record.setup_cgroup.directories.empty()) {
        json["setupCgroup"] = cgroup_json(record.setup_cgroup);
    }
    // Paths may be anything but UTF-8; they are only shown, the rest is ours.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write_record(int directory_fd, const Record& record) {
    os::write_atomically_at(directory_fd, kFile, record_json(record), 0600);
}

std::optional<Record> find_record(int directory_fd) {
    const auto text = os::find_regular_file_at(directory_fd, kFile);
    if (!text) return {};
    try {
        const Json json = Json::parse(*text);
        Record record;
        json.at("id").get_to(record.id);
        json.at("ociVersion").get_to(record.oci_version);
        json.at("bundle").get_to(record.bundle);
        json.at("rootfs").get_to(record.rootfs);
        json.at("created").get_to(record.created);
        json.at("owner").get_to(record.owner);
        json.at("annotations").get_to(record.annotations);
        json.at("pid").get_to(record.pid);
        json.at("startTime").get_to(record.start_time);
        json.at("monitorPid").get_to(record.monitor_pid);
        json.at("monitorStartTime").get_to(record.monitor_start_time);
        json.at("ownPidNamespace").get_to(record.own_pid_namespace);
        json.at("ownsCgroup").get_to(record.owns_cgroup);
        // Younger than the first release: a container may have been created before.
        record.needs_plan = json.value("needsPlan", true);
        if (json.contains("supervisor")) {
            json.at("supervisor").at("pid").get_to(record.supervisor_pid);
            json.at("supervisor").at("startTime").get_to(record.supervisor_start_time);
        }
        record.unit = json.value("unit", "");
        record.cgroup = cgroup_from(json.at("cgroup"));
        if (json.contains("setupCgroup")) {
            record.setup_cgroup = cgroup_from(json.at("setupCgroup"));
        }
        if (json.contains("rootMount")) {
            json.at("rootMount").at("id").get_to(record.root_mount.id);
            json.at("rootMount").at("namespace").get_to(record.root_mount.mount_namespace);
        }
        if (json.contains("resctrl")) record.resctrl = resctrl_from(json.at("resctrl"));
        if (json.contains("mounts")) record.mounts = mounts_from(json.at("mounts"));
        if (json.contains("devices")) record.devices = devices_from(json.at("devices"));
        if (const auto rules = json.find("deviceRules"); rules != json.end() && !rules->is_null()) {
            record.device_rules = rules_from(*rules);
        }
        return record;
    } catch (const Json::exception& error) {
        throw Error(concat("state.json is damaged: ", error.what()));
    }
}

}  // namespace lxcri::runtime
