#include "signal_name.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/strings.h"

namespace lxcri::cmd {

namespace {

// Second names; sigabbrev_np(3) knows the first.
struct Alias {
    std::string_view name;
    int number;
};
constexpr std::array<Alias, 4> kAliases{
    {{"CLD", SIGCHLD}, {"IO", SIGIO}, {"IOT", SIGIOT}, {"UNUSED", SIGSYS}}};

std::optional<int> find_number(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    constexpr std::string_view kPrefix = "SIG";
    if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
    for (int number = 1; number < SIGRTMIN; ++number) {
        const char* abbreviation = ::sigabbrev_np(number);
        if (abbreviation != nullptr && name == abbreviation) return number;
    }
    for (const Alias& alias : kAliases) {
        if (name == alias.name) return alias.number;
    }
    if (name == "RTMIN") return SIGRTMIN;
    if (name == "RTMAX") return SIGRTMAX;
    const auto offset = [&](std::string_view base) {
        return name.starts_with(base)
                   ? parse_integer<int>(std::string_view(name).substr(base.size()))
                   : std::optional<int>();
    };
    if (const auto above = offset("RTMIN+"); above && *above >= 0) return SIGRTMIN + *above;
    if (const auto below = offset("RTMAX-"); below && *below >= 0) return SIGRTMAX - *below;
    return {};
}

}  // namespace

int parse_signal(std::string_view text) {
    const auto plain = parse_integer<int>(text);
    const auto number = plain ? plain : find_number(std::string(text));
    // kill(2): 0 asks whether there is a process to signal.
    if (number && *number >= 0 && *number <= SIGRTMAX) return *number;
    throw Error(concat("signal: expected a name such as TERM or a number from 0 to ",
                       std::to_string(SIGRTMAX), ", got ", lxcri::in_quotes(text)));
}

}  // namespace lxcri::cmd
