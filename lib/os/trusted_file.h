#pragma once
// Files whose content is obeyed: they have to come from somebody who may do as much as we.

#include <optional>
#include <string>

namespace lxcri::os {

// The content of a file that belongs to root, or to the user of this process, and that nobody else
// may write. Nothing when there is no such file; Error when somebody else may have written it.
std::optional<std::string> find_trusted_file(const std::string& path);

}  // namespace lxcri::os
