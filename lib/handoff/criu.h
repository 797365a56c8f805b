#pragma once
// The conversation with lxcri-criu over a channel (channel.h): one criu_request with its
// descriptors, then a criu_notice for each step that CRIU reports, each answered by criu_go_on (or
// failure, which makes CRIU give up), and at the end criu_done or failure.
//
// The descriptors of the request: the status descriptor if there is one, the stage if there is one,
// then one for each entry of `staged_mounts` and of `inherited`. What does not fit into the message
// follows in messages `sources`. The directories are paths: lxcri-criu opens them in the mount
// namespace that it makes.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lxcri::handoff {

enum class CriuAction : std::uint8_t { dump, pre_dump, restore };

// How CRIU restores the cgroups below the container's. The numbers are those of CRIU's interface.
enum class CriuCgroupMode : std::uint8_t { ignore = 0, soft = 3, full = 4, strict = 5 };

struct CriuCgroupRoot {
    std::string controllers;  // "" for version 2, "cpu,cpuacct" for version 1
    std::string path;         // below the mount point, "/lxcri-ID"
};

struct CriuNamespace {
    std::string type;  // "uts", "ipc"
    std::string path;
};

struct CriuRequest {
    CriuAction action = CriuAction::dump;
    std::string criu;                    // path of the program
    std::string images;                  // directory
    std::string log_directory;           // CRIU works in it
    std::string log_file;                // name in there
    pid_t pid = 0;                       // dump: the container's init
    std::string root;                    // the root filesystem on the host
    pid_t pid_without_death_signal = 0;  // dump: criu_images.h; 0: none
    bool leave_running = false;
    bool tcp_established = false;
    bool tcp_skip_in_flight = false;
    bool tcp_close = false;
    bool external_unix_sockets = false;
    bool shell_job = false;
    bool file_locks = false;
    bool link_remap = false;
    bool auto_dedup = false;
    bool lazy_pages = false;
    bool track_memory = false;
    bool empty_network = false;
    bool has_status_fd = false;
    std::string parent_images;  // relative to the directory of the images; "": none
    std::string page_server_address;
    std::uint16_t page_server_port = 0;  // 0: no page server
    CriuCgroupMode cgroup_mode = CriuCgroupMode::soft;
    bool has_user_namespace = false;  // restore
    std::string freezer;  // the directory of the cgroup that freezes; "": CRIU stops each task
    // restore: the directory on which a tmpfs is mounted for CRIU, with the devices that `create`
    // makes for a user namespace (attached/made_devices.h) and places for the sources of bind
    // mounts; "": there are none of both.
    std::string stage;
    std::vector<std::string> staged_mounts;    // their names in there
    std::vector<CriuCgroupRoot> cgroup_roots;  // restore
    std::vector<std::string> shared_cgroups;   // dump: criu_images.h
    std::vector<std::string> external;         // "mnt[/data]:/srv/data", as criu(8) --external
    std::vector<std::string> inherited;        // "pipe:[4711]", as criu(8) --inherit-fd
    std::vector<CriuNamespace> joined;         // restore
    std::string lsm_profile;
    std::string lsm_mount_context;
    std::string config_file;  // CRIU's options of the administrator; "": none
};

struct CriuNotice {
    std::string script;  // "setup-namespaces", "post-restore", ...
    pid_t pid = 0;       // the container's init, when it exists
};

template <class Visitor>
void visit_fields(Visitor& visit, CriuCgroupRoot& root) {
    visit("controllers", root.controllers);
    visit("path", root.path);
}

template <class Visitor>
void visit_fields(Visitor& visit, CriuNamespace& entry) {
    visit("type", entry.type);
    visit("path", entry.path);
}

template <class Visitor>
void visit_fields(Visitor& visit, CriuRequest& request) {
    visit("action", request.action);
    visit("criu", request.criu);
    visit("images", request.images);
    visit("logDirectory", request.log_directory);
    visit("logFile", request.log_file);
    visit("pid", request.pid);
    visit("root", request.root);
    visit("pidWithoutDeathSignal", request.pid_without_death_signal);
    visit("leaveRunning", request.leave_running);
    visit("tcpEstablished", request.tcp_established);
    visit("tcpSkipInFlight", request.tcp_skip_in_flight);
    visit("tcpClose", request.tcp_close);
    visit("externalUnixSockets", request.external_unix_sockets);
    visit("shellJob", request.shell_job);
    visit("fileLocks", request.file_locks);
    visit("linkRemap", request.link_remap);
    visit("autoDedup", request.auto_dedup);
    visit("lazyPages", request.lazy_pages);
    visit("trackMemory", request.track_memory);
    visit("emptyNetwork", request.empty_network);
    visit("hasStatusFd", request.has_status_fd);
    visit("parentImages", request.parent_images);
    visit("pageServerAddress", request.page_server_address);
    visit("pageServerPort", request.page_server_port);
    visit("cgroupMode", request.cgroup_mode);
    visit("hasUserNamespace", request.has_user_namespace);
    visit("freezer", request.freezer);
    visit("stage", request.stage);
    visit("stagedMounts", request.staged_mounts);
    visit("cgroupRoots", request.cgroup_roots);
    visit("sharedCgroups", request.shared_cgroups);
    visit("external", request.external);
    visit("inherited", request.inherited);
    visit("joined", request.joined);
    visit("lsmProfile", request.lsm_profile);
    visit("lsmMountContext", request.lsm_mount_context);
    visit("configFile", request.config_file);
}

template <class Visitor>
void visit_fields(Visitor& visit, CriuNotice& notice) {
    visit("script", notice.script);
    visit("pid", notice.pid);
}

}  // namespace lxcri::handoff
