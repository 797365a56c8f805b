#include "globals.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "settings/settings.h"

namespace lxcri::cmd {

namespace {

using settings::Options;
using settings::Setting;

std::string_view word_for(const Setting& setting) {
    const auto& destination = setting.destination;
    if (std::holds_alternative<bool Options::*>(destination)) return {};
    if (std::holds_alternative<settings::Timeout>(destination)) return "SECONDS";
    if (std::holds_alternative<settings::Path>(destination)) return "PATH";
    if (std::holds_alternative<settings::LogPlace>(destination)) return "PATH";
    if (std::holds_alternative<settings::CgroupPath>(destination)) return "PATH";
    return "NAME";
}

template <bool GlobalArguments::*member>
void take_truth(const GlobalOption& option, const std::string& value, GlobalArguments& arguments) {
    if (value != "true" && value != "false") {
        throw Error(concat(option.flag, ": expected true or false, got ", in_quotes(value)));
    }
    arguments.*member = value == "true";
}

void take_rootless(const GlobalOption& option, const std::string& value,
                   GlobalArguments& /*arguments*/) {
    if (value == "true" || value == "false" || value == "auto") return;
    throw Error(concat(option.flag, ": expected true, false or auto, got ", in_quotes(value)));
}

void take_setting(const GlobalOption& option, const std::string& value,
                  GlobalArguments& arguments) {
    arguments.settings[option.setting] = value;
}

void take_file(const GlobalOption& /*option*/, const std::string& value,
               GlobalArguments& arguments) {
    arguments.settings_file = value;
}

// Those that are not settings.
std::vector<GlobalOption> plain_options() {
    return {
        {"--config", 0, "FILE", "file with settings (default: /etc/lxcri/lxcri.json)", take_file},
        {"--systemd-cgroup", 0, "", "the same as --cgroup-manager systemd",
         take_truth<&GlobalArguments::systemd_cgroup>},
        {"--rootless", 0, "NAME", "true, false or auto; no effect", take_rootless},
        {"--version", 'v', "", "show the version", take_truth<&GlobalArguments::version>},
        {"--help", 'h', "", "show this text", take_truth<&GlobalArguments::help>},
    };
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

}  // namespace

std::vector<GlobalOption> global_options() {
    std::vector<GlobalOption> options;
    for (const Setting& setting : settings::kSettings) {
        if (settings::is_only_in_file(setting)) continue;
        options.push_back({settings::flag_of(setting.name), 0, word_for(setting), setting.help,
                           take_setting, setting.name});
    }
    for (GlobalOption& plain : plain_options()) options.push_back(std::move(plain));
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
            option.take(option, std::string(word.substr(equals + 1)), arguments);
        } else if (option.word.empty()) {
            option.take(option, "true", arguments);
        } else if (at + 1 < argc) {
            option.take(option, argv[++at], arguments);
        } else {
            throw Error(concat(option.flag, ": a value is missing"));
        }
    }
    arguments.rest.assign(argv + at, argv + argc);
    return arguments;
}

void read_flags(const GlobalArguments& arguments, Options& options) {
    for (const auto& [name, text] : arguments.settings) {
        settings::set_by_flag(options, name, text);
    }
    // Callers give --systemd-cgroup for all their containers, and "disabled" beside it for one.
    constexpr std::string_view kManager = "cgroupManager";
    const bool is_disabled = options.source_of(kManager) == settings::Source::flag &&
                             options.cgroup_driver == settings::CgroupDriver::disabled;
    if (!arguments.systemd_cgroup || is_disabled) return;
    options.cgroup_driver = settings::CgroupDriver::systemd;
    options.sources[kManager] = settings::Source::flag;
}

}  // namespace lxcri::cmd
