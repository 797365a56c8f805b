#pragma once
// Files whose content is obeyed: they have to come from a user who may do as much as we.

#include <optional>
#include <string>

namespace lxcri::os {

// The content of a file that belongs to root, or to the user of this process, and that no other
// user may write. Nullopt if there is no such file; Error if another user may have written it.
std::optional<std::string> find_trusted_file(const std::string& path);

}  // namespace lxcri::os
