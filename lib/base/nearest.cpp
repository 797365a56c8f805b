#include "base/nearest.h"

#include <algorithm>

#include "base/strings.h"

namespace lxcri {

// Optimal string alignment, row by row; only the last two rows are looked at.
std::size_t edit_distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= one.size(); ++i) {
        std::vector<std::size_t> row(other.size() + 1);
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        before_last = std::move(last);
        last = std::move(row);
    }
    return last.back();
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names) {
    constexpr std::size_t kLongest = 128;  // what is longer has not been typed
    if (word.empty() || word.size() > kLongest) return {};
    std::string_view best;
    // A third of the letters may be wrong; of a long word only so many that it is still the same.
    std::size_t limit = std::min<std::size_t>(1 + word.size() / 3, 4);
    for (const std::string_view name : names) {
        const std::size_t gap =
            name.size() > word.size() ? name.size() - word.size() : word.size() - name.size();
        if (gap > limit) continue;
        const std::size_t distance = edit_distance(word, name);
        if (distance > limit || distance >= std::max(word.size(), name.size())) continue;
        if (!best.empty() && distance == limit) continue;  // the first one of the same distance
        best = name;
        limit = distance;
    }
    return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
    const std::string_view name = nearest(word, names);
    return name.empty() ? std::string() : concat(", did you mean ", in_quotes(name), "?");
}

}  // namespace lxcri
