#include "globals.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"

namespace lxcri::cmd {

namespace {

using settings::Settings;

template <class Value>
constexpr std::string_view word_for() {
    if constexpr (std::is_same_v<Value, settings::Path>) return "PATH";
    if constexpr (std::is_same_v<Value, settings::LogPlace>) return "PATH";
    if constexpr (std::is_same_v<Value, settings::CgroupPath>) return "PATH";
    if constexpr (std::is_same_v<Value, std::chrono::seconds>) return "SECONDS";
    if constexpr (std::is_enum_v<Value>) return "NAME";
    return {};
}

// An option that is not a setting.
struct Plain {
    std::string_view flag;
    char letter;
    std::string_view word;
    std::string_view help;
};
constexpr Plain kConfig{"--config", 0, "FILE",
                        "file with settings (default: /etc/lxcri/lxcri.json)"};
constexpr Plain kSystemdCgroup{"--systemd-cgroup", 0, "", "the same as --cgroup-manager systemd"};
constexpr Plain kRootless{"--rootless", 0, "NAME", "true, false or auto; no effect"};
constexpr Plain kVersion{"--version", 'v', "", "show the version"};
constexpr Plain kHelp{"--help", 'h', "", "show this text"};

// The setting of a flag; "" for another one, or for none.
std::string_view setting_of(std::string_view flag) {
    std::string_view found;
    const Settings settings;
    settings::visit_settings(
        settings, [&](std::string_view name, const auto& setting, std::string_view /*help*/) {
            using Value = std::decay_t<decltype(setting.value)>;
            if (!settings::kOnlyInFile<Value> && settings::flag_of(name) == flag) found = name;
        });
    return found;
}

const GlobalOption& find_option(const std::vector<GlobalOption>& options, std::string_view word) {
    for (const GlobalOption& option : options) {
        const bool is_letter = word.size() == 2 && option.letter != 0 && word[1] == option.letter;
        if (option.flag == word || is_letter) return option;
    }
    std::vector<std::string_view> flags;
    flags.reserve(options.size());
    for (const GlobalOption& option : options) flags.push_back(option.flag);
    throw Error(concat("unknown option ", in_quotes(word), did_you_mean(word, flags),
                       "; `lxcri --help` lists them"));
}

void take(const GlobalOption& option, const std::string& value, GlobalArguments& arguments) {
    const auto is_true = [&] {
        if (value == "true" || value == "false") return value == "true";
        throw Error(concat(option.flag, ": expected true or false, got ", in_quotes(value)));
    };
    if (option.flag == kConfig.flag) {
        arguments.settings_file = value;
    } else if (option.flag == kSystemdCgroup.flag) {
        arguments.systemd_cgroup = is_true();
    } else if (option.flag == kRootless.flag && value != "auto") {
        if (value != "true" && value != "false") {
            throw Error(
                concat(option.flag, ": expected true, false or auto, got ", in_quotes(value)));
        }
    } else if (option.flag == kVersion.flag) {
        arguments.version = is_true();
    } else if (option.flag == kHelp.flag) {
        arguments.help = is_true();
    } else if (const auto name = setting_of(option.flag); !name.empty()) {
        arguments.settings[name] = value;
    }
}

}  // namespace

std::vector<GlobalOption> global_options() {
    std::vector<GlobalOption> options;
    const auto add = [&](const Plain& plain) {
        options.push_back({std::string(plain.flag), plain.letter, plain.word, plain.help});
    };
    const Settings settings;
    settings::visit_settings(
        settings, [&](std::string_view name, const auto& setting, std::string_view help) {
            using Value = std::decay_t<decltype(setting.value)>;
            if constexpr (!settings::kOnlyInFile<Value>) {
                options.push_back({settings::flag_of(name), 0, word_for<Value>(), help});
            }
        });
    for (const Plain& plain : {kConfig, kSystemdCgroup, kRootless, kVersion, kHelp}) {
        add(plain);
    }
    return options;
}

GlobalArguments parse_globals(int argc, const char* const* argv) {
    GlobalArguments arguments;
    const auto options = global_options();
    int at = 1;
    for (; at < argc; ++at) {
        const std::string_view word = argv[at];
        if (word.size() < 2 || word.front() != '-') break;
        if (word == "--") {
            ++at;
            break;
        }
        const auto equals = word.find('=');
        const GlobalOption& option = find_option(options, word.substr(0, equals));
        if (equals != std::string_view::npos) {
            take(option, std::string(word.substr(equals + 1)), arguments);
        } else if (option.word.empty()) {
            take(option, "true", arguments);
        } else if (at + 1 < argc) {
            take(option, argv[++at], arguments);
        } else {
            throw Error(concat(option.flag, ": a value is missing"));
        }
    }
    arguments.rest.assign(argv + at, argv + argc);
    return arguments;
}

void read_flags(const GlobalArguments& arguments, Settings& settings) {
    for (const auto& [name, text] : arguments.settings) {
        settings::set_by_flag(settings, name, text);
    }
    // Callers give --systemd-cgroup for all their containers, and "disabled" beside it for one.
    auto& manager = settings.cgroup_manager;
    const bool is_disabled = manager.source == settings::Source::flag &&
                             manager.value == settings::CgroupDriver::disabled;
    if (arguments.systemd_cgroup && !is_disabled) {
        manager = {settings::CgroupDriver::systemd, settings::Source::flag};
    }
}

}  // namespace lxcri::cmd
