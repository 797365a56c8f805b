#pragma once
// What `lxcri spec` writes: a config.json to begin with.

#include <string>

namespace lxcri::runtime {

// A shell in namespaces of its own, with few capabilities. With `rootless` for a caller that is not
// root: a user namespace in which the container's root is that caller, and nothing that only root
// may have. Indented JSON, with a newline at the end.
std::string spec_template(bool rootless, unsigned uid, unsigned gid);

}  // namespace lxcri::runtime
