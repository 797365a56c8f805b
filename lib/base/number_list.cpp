#include "base/number_list.h"

#include "base/strings.h"

namespace lxcri {

std::optional<std::vector<std::uint64_t>> parse_number_list(std::string_view text) {
    std::vector<std::uint64_t> mask;
    if (text.empty()) return mask;
    for (const auto& part : split(text, ',')) {
        const auto dash = part.find('-');
        const auto first = parse_integer<std::uint32_t>(std::string_view(part).substr(0, dash));
        const auto last =
            dash == std::string::npos
                ? first
                : parse_integer<std::uint32_t>(std::string_view(part).substr(dash + 1));
        if (!first || !last || *last < *first || *last >= kMostNumbers) return {};
        for (std::uint32_t number = *first; number <= *last; ++number) {
            if (mask.size() <= number / 64) mask.resize(number / 64 + 1);
            mask[number / 64] |= std::uint64_t{1} << (number % 64);
        }
    }
    return mask;
}

}  // namespace lxcri
