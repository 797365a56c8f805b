#pragma once
// What an administrator and a caller choose, and what the call has brought along: every operation
// of the runtime is given this. A setting is a member of Options and a row of kSettings.

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/enum_table.h"
#include "cgroup/driver.h"

namespace lxcri::settings {

inline constexpr const char* kSettingsFile = "/etc/lxcri/lxcri.json";

using CgroupDriver = cgroup::Driver;
enum class LogFormat { text, json };
enum class LogLevel { error, warning, info, debug };
enum class MonitorMode { hand_over, keep };

// Where the value of a setting comes from. A later one goes before an earlier one.
enum class Source { built_in, file, environment, flag };
inline constexpr std::array<Named<Source>, 4> kSources{{
    {"built-in", Source::built_in},
    {"file", Source::file},
    {"environment", Source::environment},
    {"flag", Source::flag},
}};

struct Options {
    // The settings: kSettings says what each is for. An empty text: none.
    std::string root;
    std::string log;
    LogFormat log_format = LogFormat::text;
    LogLevel log_level = LogLevel::warning;
    bool lxc_debug_log = false;  // `debug`: liblxc tells everything
    CgroupDriver cgroup_driver = CgroupDriver::cgroupfs;
    MonitorMode monitor = MonitorMode::hand_over;
    bool monitor_annotation = false;
    std::string monitor_cgroup;
    std::string libexec_dir;
    bool apparmor = true;
    bool capabilities = true;
    bool cgroup_devices = true;
    bool seccomp = true;
    bool system = false;
    bool system_annotation = true;
    std::chrono::seconds timeout{60};  // of the command: `kill` has kill_timeout here
    std::chrono::seconds start_timeout{0};
    std::chrono::seconds kill_timeout{60};
    std::chrono::seconds delete_timeout{10};
    std::string lxcfs;
    std::string criu;
    std::string agent_socket = "/run/lxcri-agent.sock";
    std::vector<std::string> systemd_properties;
    std::vector<std::string> lxc_items;
    // By the name of the setting; one that is not here has its built-in value.
    std::map<std::string_view, Source> sources;

    // What the call has brought along.
    std::string settings_file = kSettingsFile;  // the file in force
    std::string other_libexec_dir;  // where the helpers have been looked for, too; "": nowhere
    unsigned open_stdio = 7;        // bit n: the caller's descriptor n was open when we began
    std::string notify_socket;      // NOTIFY_SOCKET of our environment

    // Doubts and progress. Nothing below cmd/ writes to a log by itself.
    using Tell = std::function<void(std::string_view)>;
    Tell warn = [](std::string_view) {};
    Tell debug = [](std::string_view) {};
    Tell always_warn = [](std::string_view) {};  // whatever the level of the log
    // What was asked for is done; only its end is still waited for.
    std::function<void()> succeeded = [] {};

    Source source_of(std::string_view setting) const {
        const auto found = sources.find(setting);
        return found == sources.end() ? Source::built_in : found->second;
    }
};

// What a setting may contain, if the type of its member does not say it.
struct Path {  // an absolute path
    std::string Options::*member;
};
struct LogPlace {  // an absolute path, or "syslog:NAME" or "journald:NAME"
    std::string Options::*member;
};
struct CgroupPath {  // below the mount points, without a slash at either end
    std::string Options::*member;
};
struct Timeout {
    std::chrono::seconds Options::*member;
    std::chrono::seconds least{1};
};
// Only an administrator decides: there is neither a flag nor a variable.
struct AllowedNames {
    std::vector<std::string> Options::*member;
};
using Destination = std::variant<Path, LogPlace, CgroupPath, Timeout, AllowedNames, bool Options::*,
                                 LogFormat Options::*, LogLevel Options::*, CgroupDriver Options::*,
                                 MonitorMode Options::*>;

// The spelling in all three places follows from the name: "cgroupManager" in the file,
// --cgroup-manager, LXCRI_CGROUP_MANAGER.
struct Setting {
    std::string_view name;
    Destination destination;
    std::string_view help;
};

// In the order in which they are shown.
inline constexpr auto kSettings = std::to_array<Setting>({
    {"root", Path{&Options::root}, "directory of all containers"},
    {"log", LogPlace{&Options::log}, "file for errors and warnings (default: stderr)"},
    {"logFormat", &Options::log_format, "text or json"},
    {"logLevel", &Options::log_level, "error, warning, info or debug"},
    {"debug", &Options::lxc_debug_log, "log level debug, with all messages of liblxc"},
    {"cgroupManager", &Options::cgroup_driver, "cgroupfs, systemd or disabled"},
    {"monitor", &Options::monitor,
     "hand-over: liblxc's monitor ends when the container is created; keep: it stays, for lxc-info "
     "and others"},
    {"monitorAnnotation", &Options::monitor_annotation,
     "true: annotations of config.json can keep the monitor, and start containers again that "
     "reboot"},
    {"monitorCgroup", CgroupPath{&Options::monitor_cgroup},
     "cgroup of the monitors that stay (default: that of the caller)"},
    {"libexec", Path{&Options::libexec_dir}, "directory of lxcri-start and the other helpers"},
    {"apparmor", &Options::apparmor, "false: no AppArmor profile is applied"},
    {"capabilities", &Options::capabilities, "false: all capabilities are granted"},
    {"cgroupDevices", &Options::cgroup_devices, "false: every device may be used"},
    {"seccomp", &Options::seccomp, "false: no system call is filtered"},
    {"system", &Options::system,
     "true: each container is a system container, for systemd, Docker, Podman or k3s inside"},
    {"systemAnnotation", &Options::system_annotation,
     "false: no annotation of config.json can make a system container"},
    {"createTimeout", Timeout{&Options::timeout},
     "seconds for `create`; OCI hooks have timeouts of their own"},
    // What `start` executes are hooks, too: it alone may wait without end.
    {"startTimeout", Timeout{&Options::start_timeout, std::chrono::seconds(0)},
     "seconds until `start` has executed the process; 0: no limit"},
    {"killTimeout", Timeout{&Options::kill_timeout}, "seconds for `kill`"},
    {"deleteTimeout", Timeout{&Options::delete_timeout},
     "seconds for `delete` to end processes and remove cgroups"},
    {"lxcfs", Path{&Options::lxcfs},
     "mount point of lxcfs; /proc of containers then shows their limits"},
    {"criu", Path{&Options::criu},
     "path of CRIU, for checkpoint and restore (default: the usual places)"},
    {"agentSocket", Path{&Options::agent_socket},
     "socket of lxcri-agent, for containers that ask for it"},
    {"systemdProperties", AllowedNames{&Options::systemd_properties},
     "properties of systemd units that annotations may set"},
    {"lxcItems", AllowedNames{&Options::lxc_items}, "items of liblxc that annotations may set"},
});

}  // namespace lxcri::settings
