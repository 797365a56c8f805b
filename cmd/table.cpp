#include "table.h"

#include <algorithm>

#include "output.h"

namespace lxcri::cmd {

namespace {

// Columns, not bytes: what follows the first byte of a character takes none of its own. Wide and
// combining characters are not known here.
std::size_t width_of(const Shown& cell) {
    const std::string& text = cell.text();
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    }));
}

}  // namespace

void print_table(const std::vector<Row>& rows, std::size_t gap) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    for (const Row& row : rows) {
        Shown line("");
        for (std::size_t i = 0; i < row.size(); ++i) {
            const Shown cell(row[i]);
            line += cell;
            if (i + 1 < row.size()) line += std::string(widths[i] - width_of(cell) + gap, ' ');
        }
        show_line(line);
    }
}

}  // namespace lxcri::cmd
