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
    return {{"version", directory.version},
            {"controllers", directory.controllers},
            {"mountPoint", directory.mount_point},
            {"path", directory.path},
            {"inode", directory.inode},
            {"firstMissing", directory.first_missing}};
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

}  // namespace

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
              {"unit", record.unit},
              {"rootMount",
               {{"id", record.root_mount.id}, {"namespace", record.root_mount.mount_namespace}}},
              {"resctrl", resctrl_json(record.resctrl)},
              {"cgroup", cgroup_json(record.cgroup)},
              {"setupCgroup", cgroup_json(record.setup_cgroup)}};
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
        return record;
    } catch (const Json::exception& error) {
        throw Error(concat("state.json is damaged: ", error.what()));
    }
}

}  // namespace lxcri::runtime
