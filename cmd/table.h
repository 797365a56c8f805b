#pragma once
// Columns for people.

#include <string>
#include <vector>

namespace lxcri::cmd {

using Row = std::vector<std::string>;

// Each column as wide as its widest cell, `gap` blanks between them; what terminals obey is
// escaped. The first row is the head.
void print_table(const std::vector<Row>& rows, std::size_t gap = 3);

}  // namespace lxcri::cmd
