#pragma once
// What differs between two texts, line by line, for messages of failed tests.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace lxcri::test {

// As `diff -U3` shows it, without the line numbers: "-" what was expected, "+" what is there, "..."
// for what is left out. "" when the texts are the same.
inline std::string line_diff(std::string_view expected, std::string_view actual) {
    if (expected == actual) return {};
    const auto left = split(expected, '\n');
    const auto right = split(actual, '\n');
    // common[i][j]: the longest common subsequence of what follows line i and line j.
    std::vector<std::vector<std::size_t>> common(left.size() + 1,
                                                 std::vector<std::size_t>(right.size() + 1));
    for (std::size_t i = left.size(); i-- > 0;) {
        for (std::size_t j = right.size(); j-- > 0;) {
            common[i][j] = left[i] == right[j] ? common[i + 1][j + 1] + 1
                                               : std::max(common[i + 1][j], common[i][j + 1]);
        }
    }
    std::vector<std::string> lines;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < left.size() || j < right.size()) {
        if (i < left.size() && j < right.size() && left[i] == right[j]) {
            lines.push_back(" " + left[i++]);
            ++j;
        } else if (j == right.size() || (i < left.size() && common[i + 1][j] >= common[i][j + 1])) {
            lines.push_back("-" + left[i++]);
        } else {
            lines.push_back("+" + right[j++]);
        }
    }
    constexpr std::size_t kAround = 3;
    std::string result;
    bool left_out = false;
    for (std::size_t k = 0; k < lines.size(); ++k) {
        const auto first = lines.begin() + static_cast<std::ptrdiff_t>(k - std::min(k, kAround));
        const auto last =
            lines.begin() + static_cast<std::ptrdiff_t>(std::min(k + kAround + 1, lines.size()));
        if (std::all_of(first, last, [](const auto& line) { return line[0] == ' '; })) {
            left_out = true;
            continue;
        }
        if (std::exchange(left_out, false)) result += "...\n";
        result += lines[k] + "\n";
    }
    return result;
}

}  // namespace lxcri::test
