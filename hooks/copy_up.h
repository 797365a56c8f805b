#pragma once
// The mount option tmpcopyup: a tmpfs that begins with what it covers.

namespace lxcri::hooks {

// Copies everything in the directory `from_fd` to the directory `to_fd`: modes, owners, extended
// attributes, symlinks as they are. Follows nothing and crosses no mount.
void copy_directory(int from_fd, int to_fd);

}  // namespace lxcri::hooks
