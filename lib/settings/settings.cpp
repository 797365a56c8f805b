#include "settings/settings.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "oci/json_reader.h"
#include "os/directory.h"
#include "os/trusted_file.h"

namespace lxcri::settings {

namespace {

using std::chrono::seconds;

constexpr std::array<Named<LogFormat>, 2> kLogFormats{{
    {"text", LogFormat::text},
    {"json", LogFormat::json},
}};

constexpr std::array<Named<LogLevel>, 6> kLogLevels{{
    {"error", LogLevel::error},
    {"warning", LogLevel::warning},
    {"warn", LogLevel::warning},
    {"info", LogLevel::info},
    {"debug", LogLevel::debug},
    {"trace", LogLevel::debug},
}};

constexpr std::array<Named<CgroupDriver>, 3> kCgroupDrivers{{
    {"cgroupfs", CgroupDriver::cgroupfs},
    {"systemd", CgroupDriver::systemd},
    {"disabled", CgroupDriver::disabled},
}};

constexpr std::array<Named<MonitorMode>, 2> kMonitorModes{{
    {"hand-over", MonitorMode::hand_over},
    {"keep", MonitorMode::keep},
}};

constexpr std::array<Named<bool>, 2> kTruth{{{"true", true}, {"false", false}}};

constexpr const auto& table_of(LogFormat /*type*/) {
    return kLogFormats;
}
constexpr const auto& table_of(LogLevel /*type*/) {
    return kLogLevels;
}
constexpr const auto& table_of(CgroupDriver /*type*/) {
    return kCgroupDrivers;
}
constexpr const auto& table_of(MonitorMode /*type*/) {
    return kMonitorModes;
}
constexpr const auto& table_of(bool /*type*/) {
    return kTruth;
}

template <class Value>
concept Chosen = requires(Value value) {
    table_of(value);
}
&&(std::is_enum_v<Value> || std::is_same_v<Value, bool>);

// A day: to wait longer is to have no limit.
constexpr std::int64_t kLongest = 86400;

// Nothing but `start` may wait without end: what it executes are hooks, too.
std::int64_t least_seconds(std::string_view name) {
    return name == "startTimeout" ? 0 : 1;
}

constexpr std::string_view kCgroupPaths =
    "a path below the mount points of the cgroup hierarchies, without \"..\"";

std::optional<std::string> plain_cgroup_path(std::string_view path) {
    std::string plain;
    for (const std::string& component : split(path, '/')) {
        if (component.empty() || component == ".") continue;
        if (component == "..") return {};
        plain += concat(plain.empty() ? "" : "/", component);
    }
    return plain;
}

std::string without_file_prefix(const std::string& text) {
    constexpr std::string_view kPrefix = "file:";
    return text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text;
}

// --- from a flag or a variable ------------------------------------------------------------------

// What a word of the command line or the environment says; `place` is the flag or the variable.
struct Word {
    std::string_view name;
    std::string_view place;
    const std::string& text;

    [[noreturn]] void reject(std::string_view expected) const {
        throw Error(concat(place, ": expected ", expected, ", got ", lxcri::in_quotes(text)));
    }
};

void parse(const Word& word, Path& path) {
    path.text = os::absolute_path(word.text);
}

void parse(const Word& word, LogPlace& place) {
    place.text =
        is_system_log(word.text) ? word.text : os::absolute_path(without_file_prefix(word.text));
}

void parse(const Word& word, CgroupPath& path) {
    const auto plain = plain_cgroup_path(word.text);
    if (!plain) word.reject(kCgroupPaths);
    path.text = *plain;
}

void parse(const Word& word, seconds& value) {
    const auto number = parse_integer<std::int64_t>(word.text);
    const auto least = least_seconds(word.name);
    if (!number || *number < least || *number > kLongest) {
        word.reject(concat("a whole number from ", std::to_string(least), " to ",
                           std::to_string(kLongest)));
    }
    value = seconds(*number);
}

template <Chosen Value>
void parse(const Word& word, Value& value) {
    const auto& table = table_of(value);
    const auto found = value_of(table, word.text);
    if (!found) word.reject(names_of(table));
    value = *found;
}

// --- from the file ------------------------------------------------------------------------------

using oci::JsonValue;

void parse(const JsonValue& json, Path& path) {
    path.text = json.string();
    if (!path.text.empty() && !path.text.starts_with('/')) json.reject("an absolute path");
}

void parse(const JsonValue& json, LogPlace& place) {
    const std::string text(json.string());
    place.text = is_system_log(text) ? text : without_file_prefix(text);
    if (!place.text.empty() && !is_system_log(place.text) && !place.text.starts_with('/')) {
        json.reject("an absolute path, syslog:NAME or journald:NAME");
    }
}

void parse(const JsonValue& json, CgroupPath& path) {
    const auto plain = plain_cgroup_path(json.string());
    if (!plain) json.reject(kCgroupPaths);
    path.text = *plain;
}

void parse(const JsonValue& json, seconds& value) {
    value = seconds(json.integer(least_seconds(json.key()), kLongest));
}

void parse(const JsonValue& json, bool& value) {
    value = json.boolean();
}

void parse(const JsonValue& json, AllowedNames& value) {
    oci::read(json, value.names);
}

template <Chosen Value>
void parse(const JsonValue& json, Value& value) {
    value = json.one_of(table_of(value));
}

// --- to text ------------------------------------------------------------------------------------

nlohmann::ordered_json json_of(const Path& path) {
    return path.text;
}
nlohmann::ordered_json json_of(const LogPlace& place) {
    return place.text;
}
nlohmann::ordered_json json_of(const CgroupPath& path) {
    return path.text;
}
nlohmann::ordered_json json_of(bool value) {
    return value;
}
nlohmann::ordered_json json_of(seconds value) {
    return value.count();
}
nlohmann::ordered_json json_of(const AllowedNames& value) {
    return value.names;
}
template <class Value>
requires std::is_enum_v<Value> nlohmann::ordered_json json_of(Value value) {
    return name_of(table_of(value), value);
}

// "logLevel" with a separator before each capital, and that in `change`d letters.
std::string spell(std::string_view name, char separator, char (*change)(char)) {
    std::string result;
    for (const char c : name) {
        const bool is_capital = c >= 'A' && c <= 'Z';
        if (is_capital) result += separator;
        result += change(c);
    }
    return result;
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// The one with this name.
template <class Action>
bool with_setting(Settings& settings, std::string_view name, Action&& action) {
    bool found = false;
    visit_settings(settings, [&](std::string_view its_name, auto& setting, std::string_view) {
        if (its_name != name) return;
        action(setting);
        found = true;
    });
    return found;
}

std::vector<std::string_view> setting_names() {
    std::vector<std::string_view> names;
    const Settings settings;
    visit_settings(settings, [&](std::string_view name, const auto& /*setting*/,
                                 std::string_view /*help*/) { names.push_back(name); });
    return names;
}

[[noreturn]] void reject_unknown(const JsonValue& member) {
    const auto names = setting_names();
    std::string all;
    for (const auto name : names) all += concat(all.empty() ? "" : ", ", name);
    member.fail(concat("not known", did_you_mean(member.key(), names), "; the settings are ", all));
}

}  // namespace

// As crun has it. What has none of the prefixes is a file.
bool is_system_log(std::string_view place) {
    return place.starts_with("syslog:") || place.starts_with("journald:");
}

std::string flag_of(std::string_view name) {
    return concat("--", spell(name, '-', to_lower));
}

std::string variable_of(std::string_view name) {
    return concat("LXCRI_", spell(name, '_', to_upper));
}

void read_settings(std::string_view json, Settings& settings) {
    const oci::JsonDocument document(json);
    document.root().for_each_child([&](const JsonValue& member) {
        const bool known = with_setting(settings, member.key(), [&](auto& setting) {
            if (member.type() == oci::JsonType::null) return;
            parse(member, setting.value);
            setting.source = Source::file;
        });
        if (!known) reject_unknown(member);
    });
}

void set_by_flag(Settings& settings, std::string_view name, const std::string& text) {
    if (text.empty()) return;
    with_setting(settings, name, [&](auto& setting) {
        if constexpr (!kOnlyInFile<std::decay_t<decltype(setting.value)>>) {
            parse(Word{name, flag_of(name), text}, setting.value);
            setting.source = Source::flag;
        }
    });
}

void read_environment(Settings& settings) {
    visit_settings(settings, [](std::string_view name, auto& setting, std::string_view /*help*/) {
        if constexpr (!kOnlyInFile<std::decay_t<decltype(setting.value)>>) {
            const std::string variable = variable_of(name);
            const char* value = ::getenv(variable.c_str());
            if (value == nullptr || *value == '\0') return;
            const std::string text = value;
            parse(Word{name, variable, text}, setting.value);
            setting.source = Source::environment;
        }
    });
}

void read_settings_file(const std::string& path, bool required, Settings& settings) {
    const auto text = os::find_trusted_file(path);
    if (text) {
        in_context(path, [&] { read_settings(*text, settings); });
    } else if (required) {
        throw SystemError(ENOENT, "open", path);
    }
}

std::vector<std::array<std::string, 3>> settings_table(const Settings& settings) {
    std::vector<std::array<std::string, 3>> rows;
    visit_settings(
        settings, [&](std::string_view name, const auto& setting, std::string_view /*help*/) {
            const auto json = json_of(setting.value);
            rows.push_back({std::string(name),
                            json.is_string() ? json.template get<std::string>() : json.dump(),
                            std::string(name_of(kSources, setting.source))});
        });
    return rows;
}

std::string settings_json(const Settings& settings) {
    auto json = nlohmann::ordered_json::object();
    visit_settings(
        settings, [&](std::string_view name, const auto& setting, std::string_view /*help*/) {
            // Paths that were not chosen follow from the installation and the user.
            using Value = std::decay_t<decltype(setting.value)>;
            constexpr bool kIsPath = std::is_same_v<Value, Path> || std::is_same_v<Value, LogPlace>;
            if (kIsPath && setting.source == Source::built_in) return;
            json[std::string(name)] = json_of(setting.value);
        });
    return json.dump(2);
}

}  // namespace lxcri::settings
