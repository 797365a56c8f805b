#pragma once
// What a directory in the cgroup filesystem remembers by itself, in extended attributes. Where the
// filesystem has none (version 1 for an ordinary user) the record alone knows what is ours: of two
// containers below one directory that has been made for the first, that one has to go last, or the
// directory stays behind.

#include <string>
#include <vector>

#include "cgroup/container_cgroup.h"

namespace lxcri::cgroup {

// Which directories above containers' cgroups this runtime has made. The first container below
// "/docker" makes that directory, the last one has to remove it, and these two know nothing of each
// other. False: the filesystem has no marks. SystemError where it has and this one cannot be set.
bool mark_as_made(const std::string& dir);
bool is_marked_as_made(const std::string& dir);

// Whose a container's cgroup is: the absolute path of the container's directory. So two containers
// are not given the same one, and it is found when the record is lost.
void mark_owner(const std::string& dir, const std::string& owner);
std::string find_owner(const std::string& dir);  // "": there is no such mark

// The cgroups that are marked as this owner's, wherever they are; more than one when `create` has
// been killed.
std::vector<Record> find_owned(const Layout& layout, const std::string& owner);

}  // namespace lxcri::cgroup
