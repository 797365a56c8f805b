#pragma once
// The known name that a mistyped one may have meant.

#include <string>
#include <string_view>
#include <vector>

namespace lxcri {

// How many letters have to be put in, taken out, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view one, std::string_view other);

// The most similar of the names; "" when none of them looks like it.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names);

// ", did you mean "..."?", or "" when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace lxcri
