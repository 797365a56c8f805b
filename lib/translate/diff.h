#pragma once
// The differences between two plans.

#include <string>
#include <string_view>
#include <vector>

namespace lxcri::translate {

// `before` and `after` are JSON documents. One line for each difference, in the order of the
// document: "- POINTER: VALUE" for what only the first has, "+ POINTER: VALUE" for what only the
// second has, "~ POINTER: VALUE -> VALUE" for what both have. Elements of lists are matched: one
// that comes first does not make all others different. The pointer of "-" and "~" is that of the
// first document, that of "+" the second's.
std::vector<std::string> difference(std::string_view before, std::string_view after);

// The same as a JSON patch (RFC 6902) from the first to the second.
std::string json_patch(std::string_view before, std::string_view after);

}  // namespace lxcri::translate
