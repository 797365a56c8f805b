#pragma once
// The known name that a mistyped one may have meant.

#include <string>
#include <string_view>
#include <vector>

namespace lxcri {

// How many letters must be inserted, removed, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view one, std::string_view other);

// The most similar of the names. Returns "" if none is similar.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names);

// ", did you mean "..."?", or "" if no name is similar.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace lxcri
