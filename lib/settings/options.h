#pragma once
// What every operation of the runtime has to know: from the command line.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/driver.h"

namespace lxcri::settings {

using CgroupDriver = cgroup::Driver;

struct Options {
    std::string root;               // runtime root, absolute
    bool root_is_default = false;   // it need not exist yet
    std::string libexec_dir;        // where lxcri-start, lxcri-init and lxcri-hook are, absolute
    std::string other_libexec_dir;  // where they have been looked for, too; "": nowhere
    CgroupDriver cgroup_driver = CgroupDriver::cgroupfs;
    bool keep_monitor = false;
    std::string monitor_cgroup;  // of a monitor that stays; "": that of the caller
    // What is not applied, whatever config.json asks for: an administrator's or the caller's
    // choice.
    bool apparmor = true;
    bool capabilities = true;
    bool cgroup_devices = true;
    bool seccomp = true;
    bool system = false;               // each container is a system container
    bool system_annotation = true;     // an annotation can make one
    bool lxc_debug_log = false;        // liblxc tells everything; shown with --debug
    unsigned open_stdio = 7;           // bit n: the caller's descriptor n was open when we began
    std::string notify_socket;         // NOTIFY_SOCKET of our environment
    std::chrono::seconds timeout{60};  // for what must be quick; OCI hooks have their own
    std::chrono::seconds start_timeout{0};    // until the process is executed; 0: none
    std::chrono::seconds delete_timeout{10};  // for the end of all that a container has
    // What only the administrator's file says, and the name of that file.
    std::string settings_file;
    std::vector<std::string> systemd_properties;  // that annotations may set
    std::vector<std::string> lxc_items;           // the same for items of liblxc
    std::string lxcfs;                            // where it is mounted; "": it is not used
    std::string agent_socket;                     // of lxcri-agent
    std::string criu;                             // path of CRIU; "": in the usual places
    // Doubts and progress. Nothing below cmd/ writes to a log by itself.
    using Tell = std::function<void(std::string_view)>;
    Tell warn = [](std::string_view) {};
    Tell debug = [](std::string_view) {};
    Tell always_warn = [](std::string_view) {};  // whatever the level of the log
    // What was asked for is done; only its end is still waited for.
    std::function<void()> succeeded = [] {};
};

}  // namespace lxcri::settings
