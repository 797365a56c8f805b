#pragma once
// Files whose content lxcri obeys: they must come from a user with at least our rights.

#include <optional>
#include <string>

namespace lxcri::os {

// The content of a file that belongs to root, or to the user of this process, and that no other
// user may write. Nullopt if it does not exist; throws Error if another user may have written it.
std::optional<std::string> find_trusted_file(const std::string& path);

}  // namespace lxcri::os
