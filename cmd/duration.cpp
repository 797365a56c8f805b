#include "duration.h"

#include <array>
#include <cstdint>

#include "base/enum_table.h"
#include "base/strings.h"

namespace lxcri::cmd {

namespace {

// Milliseconds.
constexpr std::array<Named<std::uint64_t>, 4> kUnits{{
    {"ms", 1},
    {"s", 1000},
    {"m", std::uint64_t{60} * 1000},
    {"h", std::uint64_t{60} * 60 * 1000},
}};

std::string_view take_while(std::string_view& text, std::string_view letters) {
    const auto end = std::min(text.find_first_not_of(letters), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end);
    return part;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr std::uint64_t kMost = 365ULL * 24 * 60 * 60 * 1000;
    if (text.empty()) return {};
    std::uint64_t sum = 0;
    while (!text.empty()) {
        constexpr std::string_view kDigits = "0123456789";
        const auto whole = parse_integer<std::uint64_t>(take_while(text, kDigits));
        std::string_view fraction;
        if (text.starts_with('.')) {
            text.remove_prefix(1);
            fraction = take_while(text, kDigits).substr(0, 6);
            if (fraction.empty()) return {};
        }
        const auto unit = value_of(kUnits, take_while(text, "msh"));
        if (!whole || !unit || *whole > kMost) return {};
        sum += *whole * *unit;
        std::uint64_t scale = 1;
        for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
        if (!fraction.empty()) sum += *parse_integer<std::uint64_t>(fraction) * *unit / scale;
        if (sum > kMost) return {};
    }
    return std::chrono::milliseconds(sum);
}

}  // namespace lxcri::cmd
