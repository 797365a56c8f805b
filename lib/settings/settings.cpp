#include "settings/settings.h"

#include <unistd.h>

#include <algorithm>
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
constexpr seconds kLongest{86400};

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
    std::string place;
    std::string text;

    [[noreturn]] void reject(std::string_view expected) const {
        throw Error(concat(place, ": expected ", expected, ", got ", lxcri::in_quotes(text)));
    }
};

void parse(const Word& word, Path to, Options& options) {
    options.*to.member = os::absolute_path(word.text);
}

void parse(const Word& word, LogPlace to, Options& options) {
    options.*to.member =
        is_system_log(word.text) ? word.text : os::absolute_path(without_file_prefix(word.text));
}

void parse(const Word& word, CgroupPath to, Options& options) {
    const auto plain = plain_cgroup_path(word.text);
    if (!plain) word.reject(kCgroupPaths);
    options.*to.member = *plain;
}

void parse(const Word& word, const Timeout& to, Options& options) {
    const auto number = parse_integer<std::int64_t>(word.text);
    if (!number || *number < to.least.count() || *number > kLongest.count()) {
        word.reject(concat("a whole number from ", std::to_string(to.least.count()), " to ",
                           std::to_string(kLongest.count())));
    }
    options.*to.member = seconds(*number);
}

// is_only_in_file(): not asked for.
void parse(const Word& /*word*/, AllowedNames /*to*/, Options& /*options*/) {}

template <Chosen Value>
void parse(const Word& word, Value Options::*to, Options& options) {
    const auto& table = table_of(Value{});
    const auto found = value_of(table, word.text);
    if (!found) word.reject(names_of(table));
    options.*to = *found;
}

// --- from the file ------------------------------------------------------------------------------

using oci::JsonValue;

void parse(const JsonValue& json, Path to, Options& options) {
    std::string path(json.string());
    if (!path.empty() && !path.starts_with('/')) json.reject("an absolute path");
    options.*to.member = std::move(path);
}

void parse(const JsonValue& json, LogPlace to, Options& options) {
    const std::string text(json.string());
    std::string place = is_system_log(text) ? text : without_file_prefix(text);
    if (!place.empty() && !is_system_log(place) && !place.starts_with('/')) {
        json.reject("an absolute path, syslog:NAME or journald:NAME");
    }
    options.*to.member = std::move(place);
}

void parse(const JsonValue& json, CgroupPath to, Options& options) {
    const auto plain = plain_cgroup_path(json.string());
    if (!plain) json.reject(kCgroupPaths);
    options.*to.member = *plain;
}

void parse(const JsonValue& json, const Timeout& to, Options& options) {
    options.*to.member = seconds(json.integer(to.least.count(), kLongest.count()));
}

void parse(const JsonValue& json, AllowedNames to, Options& options) {
    oci::read(json, options.*to.member);
}

void parse(const JsonValue& json, bool Options::*to, Options& options) {
    options.*to = json.boolean();
}

template <Chosen Value>
void parse(const JsonValue& json, Value Options::*to, Options& options) {
    options.*to = json.one_of(table_of(Value{}));
}

// --- to text ------------------------------------------------------------------------------------

nlohmann::ordered_json json_of(const Options& options, const Timeout& from) {
    return (options.*from.member).count();
}

template <class From>
nlohmann::ordered_json json_of(const Options& options, From from) {
    return options.*from.member;
}

nlohmann::ordered_json json_of(const Options& options, bool Options::*from) {
    return options.*from;
}

template <Chosen Value>
nlohmann::ordered_json json_of(const Options& options, Value Options::*from) {
    return name_of(table_of(Value{}), options.*from);
}

nlohmann::ordered_json json_of(const Options& options, const Setting& setting) {
    return std::visit([&](const auto& from) { return json_of(options, from); },
                      setting.destination);
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

const Setting* find_setting(std::string_view name) {
    const auto* const found =
        std::find_if(kSettings.begin(), kSettings.end(),
                     [&](const Setting& setting) { return setting.name == name; });
    return found == kSettings.end() ? nullptr : found;
}

// `text`: a Word or a JsonValue.
template <class Text>
void take(const Text& text, const Setting& setting, Source source, Options& options) {
    std::visit([&](const auto& to) { parse(text, to, options); }, setting.destination);
    options.sources[setting.name] = source;
}

[[noreturn]] void reject_unknown(const JsonValue& member) {
    std::vector<std::string_view> names;
    for (const Setting& setting : kSettings) names.push_back(setting.name);
    std::string all;
    for (const auto name : names) all += concat(all.empty() ? "" : ", ", name);
    member.fail(concat("not known", did_you_mean(member.key(), names), "; the settings are ", all));
}

}  // namespace

bool is_only_in_file(const Setting& setting) {
    return std::holds_alternative<AllowedNames>(setting.destination);
}

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

void read_settings(std::string_view json, Options& options) {
    const oci::JsonDocument document(json);
    document.root().for_each_child([&](const JsonValue& member) {
        const Setting* setting = find_setting(member.key());
        if (setting == nullptr) reject_unknown(member);
        if (member.type() == oci::JsonType::null) return;
        take(member, *setting, Source::file, options);
    });
}

void set_by_flag(Options& options, std::string_view name, const std::string& text) {
    const Setting* setting = find_setting(name);
    if (text.empty() || setting == nullptr || is_only_in_file(*setting)) return;
    take(Word{flag_of(name), text}, *setting, Source::flag, options);
}

void read_environment(Options& options) {
    for (const Setting& setting : kSettings) {
        if (is_only_in_file(setting)) continue;
        const std::string variable = variable_of(setting.name);
        const char* value = ::getenv(variable.c_str());
        if (value == nullptr || *value == '\0') continue;
        take(Word{variable, value}, setting, Source::environment, options);
    }
}

void read_settings_file(const std::string& path, Missing missing, Options& options) {
    const auto text = os::find_trusted_file(path);
    if (text) {
        in_context(path, [&] { read_settings(*text, options); });
    } else if (missing == Missing::is_error) {
        throw SystemError(ENOENT, "open", path);
    }
}

std::vector<std::array<std::string, 3>> settings_table(const Options& options) {
    std::vector<std::array<std::string, 3>> rows;
    for (const Setting& setting : kSettings) {
        const auto json = json_of(options, setting);
        rows.push_back({std::string(setting.name),
                        json.is_string() ? json.template get<std::string>() : json.dump(),
                        std::string(name_of(kSources, options.source_of(setting.name)))});
    }
    return rows;
}

std::string settings_json(const Options& options) {
    auto json = nlohmann::ordered_json::object();
    for (const Setting& setting : kSettings) {
        // Paths that were not chosen follow from the installation and the user.
        const bool is_path = std::holds_alternative<Path>(setting.destination) ||
                             std::holds_alternative<LogPlace>(setting.destination);
        if (is_path && options.source_of(setting.name) == Source::built_in) continue;
        json[std::string(setting.name)] = json_of(options, setting);
    }
    return json.dump(2);
}

}  // namespace lxcri::settings
