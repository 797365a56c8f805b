#include "byte_size.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/strings.h"

namespace lxcri::cmd {

namespace {

// How often the unit multiplies by 1024. Returns nullopt if it is not a unit.
std::optional<unsigned> exponent_of(std::string unit) {
    for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (unit.empty() || unit == "b") return 0;
    const auto exponent = std::string_view(" kmgtp").find(unit[0]);
    if (exponent == 0 || exponent == std::string_view::npos) return {};
    const std::string_view rest = std::string_view(unit).substr(1);
    if (!rest.empty() && rest != "b" && rest != "ib") return {};
    return static_cast<unsigned>(exponent);
}

}  // namespace

std::optional<std::int64_t> parse_byte_size(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789";
    constexpr std::size_t kMostDigits = 6;  // behind the point: no overflow below
    if (text == "-1") return -1;
    const auto point = text.find('.');
    const auto unit_at = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view number = text.substr(0, unit_at);
    const auto whole = parse_integer<std::uint64_t>(number.substr(0, point));
    const auto exponent = exponent_of(std::string(text.substr(unit_at)));
    if (!whole || !exponent) return {};
    const std::uint64_t unit = std::uint64_t{1} << (10 * *exponent);
    const std::uint64_t most = static_cast<std::uint64_t>(INT64_MAX);
    if (*whole > most / unit) return {};
    std::uint64_t bytes = *whole * unit;
    if (point < number.size()) {
        const std::string_view digits = number.substr(point + 1);
        if (digits.empty() || digits.size() > kMostDigits ||
            digits.find_first_not_of(kDigits) != std::string_view::npos) {
            return {};
        }
        double fraction = static_cast<double>(*parse_integer<std::uint64_t>(digits));
        for (std::size_t i = 0; i < digits.size(); ++i) fraction /= 10;
        bytes += static_cast<std::uint64_t>(fraction * static_cast<double>(unit));
    }
    if (bytes > most) return {};
    return static_cast<std::int64_t>(bytes);
}

}  // namespace lxcri::cmd
