#include "table.h"

#include <algorithm>
#include <cstdio>

namespace lxcri::cmd {

namespace {

// A name that a container chose must not steer the terminal that shows it.
std::string printable(const std::string& cell) {
    std::string text = cell;
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

}  // namespace

void print_table(const std::vector<Row>& rows, std::size_t gap) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += printable(row[i]);
            if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + gap, ' ');
        }
        std::puts(line.c_str());
    }
}

}  // namespace lxcri::cmd
