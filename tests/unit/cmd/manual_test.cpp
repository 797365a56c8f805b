// The tables of options against lxcri(8).

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cmd/parse.h"
#include "support/catch.h"
#include "unit/os/temp_dir.h"

using namespace lxcri;
using cmd::Command;
using cmd::OptionDescription;

namespace {

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// "\-" is how a manual page writes "-".
std::string manual_page() {
    std::string page = test::content_of(LXCRI_TEST_DATA "/../docs/lxcri.8");
    page.erase(std::remove(page.begin(), page.end(), '\\'), page.end());
    return page;
}

// The lines below ".SS COMMAND ...", up to the next heading.
std::vector<std::string> section_of(std::string_view command) {
    std::vector<std::string> lines;
    bool inside = false;
    for (const std::string& line : split(manual_page(), '\n')) {
        if (line.starts_with(".S")) {
            inside = concat(line, " ").starts_with(concat(".SS ", command, " "));
        } else if (inside) {
            lines.push_back(line);
        }
    }
    return lines;
}

// Some sections say that options are those of another command.
std::vector<std::string> described_for(std::string_view command) {
    std::vector<std::string> lines = section_of(command);
    const auto share = [&](std::string_view other) {
        const auto shared = section_of(other);
        lines.insert(lines.end(), shared.begin(), shared.end());
    };
    if (command == "run" || command == "restore") share("create");
    if (command == "restore") share("checkpoint");
    return lines;
}

// "--bundle", not "--bundles".
bool names_flag(const std::string& line, const std::string& flag) {
    for (auto at = line.find(flag); at != std::string::npos; at = line.find(flag, at + 1)) {
        const char next = at + flag.size() < line.size() ? line[at + flag.size()] : ' ';
        if (std::islower(static_cast<unsigned char>(next)) == 0 && next != '-') return true;
    }
    return false;
}

// The capital words of "[CONTROLLERS:]PATH".
std::vector<std::string> words_of(const std::string& value) {
    std::vector<std::string> words{""};
    for (const char c : value) {
        if (std::isupper(static_cast<unsigned char>(c)) != 0) {
            words.back() += c;
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

bool is_heading_of(const std::string& line, const OptionDescription& option) {
    if (!line.starts_with(".B") || !names_flag(line, option.flag)) return false;
    if (!option.letter.empty() && !has(line, concat(option.letter, " "))) return false;
    const auto words = words_of(option.value);
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return has(line, word); });
}

std::vector<std::string> flags_in(const std::string& line) {
    std::vector<std::string> flags;
    for (auto at = line.find("--"); at != std::string::npos; at = line.find("--", at + 2)) {
        const auto end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", at);
        flags.push_back(line.substr(at, end - at));
    }
    return flags;
}

}  // namespace

TEST_CASE("commands: the manual page describes each option, with its letter and its value",
          "[docs]") {
    for (const Command& command : cmd::kCommands) {
        const auto lines = described_for(command.name);
        for (const OptionDescription& option : cmd::describe(command)) {
            if (option.flag.empty() || option.flag == "--help") continue;
            CAPTURE(command.name, option.flag, option.letter, option.value);
            CHECK(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
                return is_heading_of(line, option);
            }));
        }
    }
}

TEST_CASE("commands: the manual page describes no option that a command does not have", "[docs]") {
    for (const Command& command : cmd::kCommands) {
        const auto options = cmd::describe(command);
        const auto lines = section_of(command.name);
        for (std::size_t i = 1; i < lines.size(); ++i) {
            if (lines[i - 1] != ".TP") continue;
            for (const std::string& flag : flags_in(lines[i])) {
                CAPTURE(command.name, flag);
                CHECK(std::any_of(options.begin(), options.end(),
                                  [&](const auto& option) { return option.flag == flag; }));
            }
        }
    }
}

TEST_CASE("commands: what takes a value says what it is called", "[docs]") {
    for (const Command& command : cmd::kCommands) {
        for (const OptionDescription& option : cmd::describe(command)) {
            if (option.flag.empty()) continue;
            CAPTURE(command.name, option.flag);
            CHECK(option.has_value == !option.value.empty());
            CHECK_FALSE(option.help.empty());
        }
    }
}
