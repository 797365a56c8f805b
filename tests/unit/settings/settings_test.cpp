// The settings: what each place may say, which one wins, and the words for what is wrong.

#include "settings/settings.h"

#include <stdlib.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/strings.h"
#include "support/catch.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using namespace lxcri::settings;
using std::chrono::seconds;

namespace {

Options from_file(std::string_view json) {
    Options options;
    read_settings(json, options);
    return options;
}

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string file_error(std::string_view json) {
    return error_of([&] { (void)from_file(json); });
}

std::string flag_error(std::string_view name, const std::string& text) {
    return error_of([&] {
        Options options;
        set_by_flag(options, name, text);
    });
}

class Variable {
  public:
    Variable(std::string name, const char* value) : name_(std::move(name)) {
        ::setenv(name_.c_str(), value, 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_.c_str()); }

  private:
    std::string name_;
};

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("settings: one name gives the spelling of flag and variable", "[settings]") {
    CHECK(flag_of("root") == "--root");
    CHECK(flag_of("cgroupManager") == "--cgroup-manager");
    CHECK(variable_of("cgroupManager") == "LXCRI_CGROUP_MANAGER");
    CHECK(variable_of("log") == "LXCRI_LOG");
}

TEST_CASE("settings: everything can be said in the file", "[settings]") {
    const Options options = from_file(R"({
        "root": "/run/other", "log": "/var/log/lxcri.log", "logFormat": "json",
        "logLevel": "debug", "debug": true, "cgroupManager": "systemd", "monitor": "keep",
        "monitorAnnotation": true,
        "monitorCgroup": "/lxcri//monitors/", "libexec": "/opt/lxcri", "apparmor": false,
        "capabilities": false, "cgroupDevices": false, "seccomp": false, "system": true,
        "systemAnnotation": false, "createTimeout": 1,
        "startTimeout": 2, "killTimeout": 3, "deleteTimeout": 86400,
        "systemdProperties": ["CollectMode"],
        "lxcfs": "/var/lib/lxcfs", "criu": "/opt/criu",
        "agentSocket": "/run/other.sock", "lxcItems": ["lxc.prlimit.*"]})");
    CHECK(options.lxcfs == "/var/lib/lxcfs");
    CHECK(options.criu == "/opt/criu");
    CHECK(options.agent_socket == "/run/other.sock");
    CHECK(options.lxc_items == std::vector<std::string>{"lxc.prlimit.*"});
    CHECK(options.root == "/run/other");
    CHECK(options.source_of("root") == Source::file);
    CHECK(options.log == "/var/log/lxcri.log");
    CHECK(options.log_format == LogFormat::json);
    CHECK(options.log_level == LogLevel::debug);
    CHECK(options.lxc_debug_log);
    CHECK(options.cgroup_driver == CgroupDriver::systemd);
    CHECK(options.monitor == MonitorMode::keep);
    CHECK(options.monitor_cgroup == "lxcri/monitors");
    CHECK(options.monitor_annotation);
    CHECK(options.libexec_dir == "/opt/lxcri");
    CHECK_FALSE(options.apparmor);
    CHECK_FALSE(options.capabilities);
    CHECK_FALSE(options.cgroup_devices);
    CHECK_FALSE(options.seccomp);
    CHECK(options.timeout == seconds(1));
    CHECK(options.start_timeout == seconds(2));
    CHECK(options.kill_timeout == seconds(3));
    CHECK(options.delete_timeout == seconds(86400));
    CHECK(options.systemd_properties == std::vector<std::string>{"CollectMode"});
    // No name is missing above.
    for (const auto& row : settings_table(options)) {
        CAPTURE(row[0]);
        CHECK(row[2] == "file");
    }
}

TEST_CASE("settings: what is wrong in the file is told with a pointer", "[settings]") {
    CHECK(file_error(R"({"logLevel": "loud"})") ==
          "/logLevel: expected error, warning, warn, info, debug or trace, got \"loud\"");
    CHECK(file_error(R"({"seccomp": "no"})") == "/seccomp: expected true or false, got \"no\"");
    CHECK(file_error(R"({"root": "run"})") == "/root: expected an absolute path, got \"run\"");
    CHECK(has(file_error(R"({"killTimeout": 0})"), "/killTimeout: expected a whole"));
    CHECK(file_error(R"({"startTimeout": 0})").empty());
    CHECK(has(file_error(R"({"createTimeout": 86401})"), "from 1 to 86400"));
    CHECK(has(file_error(R"({"monitorCgroup": "a/../b"})"), "without \"..\", got \"a/../b\""));
    CHECK(has(file_error(R"({"systemdProperties": ["a", 1]})"), "/systemdProperties/1"));
    CHECK(has(file_error(R"({"systemdProperties": "a"})"),
              "/systemdProperties: expected an array, got \"a\""));
    CHECK(has(file_error("{"), "line 1"));
    CHECK(has(file_error("[]"), "expected an object"));
    CHECK(has(file_error(R"({"root": "/a", "root": "/b"})"), "root"));
}

TEST_CASE("settings: an unknown name is an error that lists the known ones", "[settings]") {
    const std::string error = file_error(R"({"cgrupManager": "systemd"})");
    CHECK(has(error, "/cgrupManager: not known, did you mean \"cgroupManager\"?"));
    CHECK(has(error, "; the settings are root, log, logFormat, "));
    CHECK(has(error, "systemdProperties"));
    CHECK_FALSE(has(file_error(R"({"xyz": 1})"), "did you mean"));
}

TEST_CASE("settings: what is wrong in a flag or a variable is told with its name", "[settings]") {
    CHECK(flag_error("logFormat", "xml") == "--log-format: expected text or json, got \"xml\"");
    CHECK(flag_error("seccomp", "no") == "--seccomp: expected true or false, got \"no\"");
    CHECK(has(flag_error("createTimeout", "1.5"), "86400, got \"1.5\""));
    CHECK(has(flag_error("createTimeout", "-1"), "expected a whole number from 1 to 86400"));
    CHECK(has(flag_error("monitorCgroup", ".."), "--monitor-cgroup: expected"));
    const Variable level("LXCRI_LOG_LEVEL", "loud");
    CHECK(has(error_of([] {
                  Options options;
                  read_environment(options);
              }),
              "LXCRI_LOG_LEVEL: expected error"));
}

TEST_CASE("settings: flag before environment before file before what is built in", "[settings]") {
    Options options;
    const auto is = [&](MonitorMode mode, Source source) {
        return options.monitor == mode && options.source_of("monitor") == source;
    };
    CHECK(is(MonitorMode::hand_over, Source::built_in));
    read_settings(R"({"monitor": "keep"})", options);
    CHECK(is(MonitorMode::keep, Source::file));
    const Variable variable("LXCRI_MONITOR", "hand-over");
    read_environment(options);
    CHECK(is(MonitorMode::hand_over, Source::environment));
    set_by_flag(options, "monitor", "keep");
    CHECK(is(MonitorMode::keep, Source::flag));
}

TEST_CASE("settings: what is empty says nothing", "[settings]") {
    Options options = from_file(R"({"monitor": "keep", "log": null})");
    const Variable variable("LXCRI_MONITOR", "");
    read_environment(options);
    set_by_flag(options, "monitor", "");
    CHECK(options.source_of("monitor") == Source::file);
    CHECK(options.source_of("log") == Source::built_in);
}

TEST_CASE("settings: only the file says what annotations may set", "[settings]") {
    Options options;
    const Variable variable("LXCRI_SYSTEMD_PROPERTIES", "ExecStartPre");
    read_environment(options);
    set_by_flag(options, "systemdProperties", "ExecStartPre");
    CHECK(options.systemd_properties.empty());
    CHECK(options.source_of("systemdProperties") == Source::built_in);
}

TEST_CASE("settings: what is printed can be read again", "[settings]") {
    Options options = from_file(
        R"({"root": "/r", "cgroupManager": "disabled", "seccomp": false, "killTimeout": 7,
            "monitorCgroup": "m", "systemdProperties": ["A", "B"]})");
    options.libexec_dir = "/opt/libexec";  // built in: it follows from the installation
    const std::string json = settings_json(options);
    CHECK_FALSE(has(json, "/opt/libexec"));
    Options again = from_file(json);
    again.libexec_dir = options.libexec_dir;
    CHECK(settings_json(again) == json);
    CHECK(again.seccomp == false);
    CHECK(again.systemd_properties == std::vector<std::string>{"A", "B"});
}

TEST_CASE("settings: the manual page of the file describes each, and each flag is in that of lxcri",
          "[settings][docs]") {
    const std::string file_page = test::content_of(LXCRI_TEST_DATA "/../docs/lxcri.json.5");
    std::string page = test::content_of(LXCRI_TEST_DATA "/../docs/lxcri.8");
    page.erase(std::remove(page.begin(), page.end(), '\\'), page.end());
    const auto settings_part = file_page.substr(file_page.find(".SH SETTINGS"));
    for (const Setting& setting : kSettings) {
        CAPTURE(setting.name);
        CHECK((has(settings_part, concat(".B ", setting.name, "\n")) ||
               has(settings_part, concat(".BR ", setting.name, " ")) ||
               has(settings_part, concat(", \" ", setting.name))));
        if (!is_only_in_file(setting)) CHECK(has(page, flag_of(setting.name)));
    }
}
