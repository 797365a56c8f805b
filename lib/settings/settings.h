#pragma once
// What an administrator and a caller may choose. Four places say so: a flag goes before a variable
// of the environment, that before the file, and that before what is built in. Each setting has one
// name, from which its spelling in the three places follows: "cgroupManager" in the file,
// --cgroup-manager, LXCRI_CGROUP_MANAGER.

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/enum_table.h"
#include "settings/options.h"

namespace lxcri::settings {

inline constexpr const char* kSettingsFile = "/etc/lxcri/lxcri.json";

enum class Source { built_in, file, environment, flag };

inline constexpr std::array<Named<Source>, 4> kSources{{
    {"built-in", Source::built_in},
    {"file", Source::file},
    {"environment", Source::environment},
    {"flag", Source::flag},
}};

enum class LogFormat { text, json };
enum class LogLevel { error, warning, info, debug };
enum class MonitorMode { hand_over, keep };

template <class Value>
struct Setting {
    Value value{};
    Source source = Source::built_in;
};

struct Path {
    std::string text;  // absolute; "": none
};

// An absolute path, or "syslog:NAME" or "journald:NAME"; "": none.
struct LogPlace {
    std::string text;
};
bool is_system_log(std::string_view place);

struct CgroupPath {
    std::string text;  // below the mount points, without a slash at either end; "": none
};

// Only an administrator may say it: there is neither a flag nor a variable.
struct AllowedNames {
    std::vector<std::string> names;
};

struct Settings {
    Setting<Path> root;
    Setting<LogPlace> log;
    Setting<LogFormat> log_format{LogFormat::text};
    Setting<LogLevel> log_level{LogLevel::warning};
    Setting<bool> debug{false};
    Setting<Path> libexec;
    Setting<CgroupDriver> cgroup_manager{CgroupDriver::cgroupfs};
    Setting<MonitorMode> monitor{MonitorMode::hand_over};
    Setting<CgroupPath> monitor_cgroup;
    Setting<bool> apparmor{true};
    Setting<bool> capabilities{true};
    Setting<bool> cgroup_devices{true};
    Setting<bool> seccomp{true};
    Setting<bool> system{false};
    Setting<bool> system_annotation{true};
    Setting<std::chrono::seconds> create_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::seconds> start_timeout{std::chrono::seconds(0)};
    Setting<std::chrono::seconds> kill_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::seconds> delete_timeout{std::chrono::seconds(10)};
    Setting<Path> lxcfs;
    Setting<Path> criu;
    Setting<Path> agent_socket{{"/run/lxcri-agent.sock"}};
    Setting<AllowedNames> systemd_properties;
    Setting<AllowedNames> lxc_items;
};

// visit(name, setting, what it is for), in the order in which they are shown.
template <class Object, class Visit>
void visit_settings(Object& settings, Visit&& visit) {
    visit("root", settings.root, "directory of all containers");
    visit("log", settings.log, "file for errors and warnings (default: stderr)");
    visit("logFormat", settings.log_format, "text or json");
    visit("logLevel", settings.log_level, "error, warning, info or debug");
    visit("debug", settings.debug, "log level debug, with all messages of liblxc");
    visit("cgroupManager", settings.cgroup_manager, "cgroupfs, systemd or disabled");
    visit("monitor", settings.monitor,
          "hand-over: liblxc's monitor ends when the container is created; keep: it stays, for "
          "lxc-info and others");
    visit("monitorCgroup", settings.monitor_cgroup,
          "cgroup of the monitors that stay (default: that of the caller)");
    visit("libexec", settings.libexec, "directory of lxcri-start and the other helpers");
    visit("apparmor", settings.apparmor, "false: no AppArmor profile is applied");
    visit("capabilities", settings.capabilities, "false: all capabilities are granted");
    visit("cgroupDevices", settings.cgroup_devices, "false: every device may be used");
    visit("seccomp", settings.seccomp, "false: no system call is filtered");
    visit("system", settings.system,
          "true: each container is a system container, for systemd, Docker, Podman or k3s inside");
    visit("systemAnnotation", settings.system_annotation,
          "false: no annotation of config.json can make a system container");
    visit("createTimeout", settings.create_timeout,
          "seconds for `create`; OCI hooks have timeouts of their own");
    visit("startTimeout", settings.start_timeout,
          "seconds until `start` has executed the process; 0: no limit");
    visit("killTimeout", settings.kill_timeout, "seconds for `kill`");
    visit("deleteTimeout", settings.delete_timeout,
          "seconds for `delete` to end processes and remove cgroups");
    visit("lxcfs", settings.lxcfs,
          "mount point of lxcfs; /proc of containers then shows their limits");
    visit("criu", settings.criu,
          "path of CRIU, for checkpoint and restore (default: the usual places)");
    visit("agentSocket", settings.agent_socket,
          "socket of lxcri-agent, for containers that ask for it");
    visit("systemdProperties", settings.systemd_properties,
          "properties of systemd units that annotations may set");
    visit("lxcItems", settings.lxc_items, "items of liblxc that annotations may set");
}

template <class Value>
inline constexpr bool kOnlyInFile = std::is_same_v<Value, AllowedNames>;

std::string flag_of(std::string_view name);      // "--log-level"
std::string variable_of(std::string_view name);  // "LXCRI_LOG_LEVEL"

// From the text of the file. SpecError for whatever it should not have, unknown names too.
void read_settings(std::string_view json, Settings& settings);

// From one word of the command line; "" leaves it as it is. Error for what is not accepted.
void set_by_flag(Settings& settings, std::string_view name, const std::string& text);
// From the variables LXCRI_* of the environment; others are for other programs.
void read_environment(Settings& settings);
// From the file. Throws Error if another user than root may have written it, or if it is `required`
// and missing.
void read_settings_file(const std::string& path, bool required, Settings& settings);

// Name, value as text, source: in the order of visit_settings().
std::vector<std::array<std::string, 3>> settings_table(const Settings& settings);
// A document that read_settings() accepts.
std::string settings_json(const Settings& settings);

}  // namespace lxcri::settings
