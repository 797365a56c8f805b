#pragma once
// What a suite must not leave behind: processes, cgroups, mounts, files, descriptors.

#include <set>
#include <string>
#include <vector>

namespace lxcri::test {

// All that is there now and could be ours.
struct Snapshot {
    std::set<std::string> facts;
    static Snapshot take();
    // What `later` has that this one has not.
    std::vector<std::string> added_in(const Snapshot& later) const;
};

// A leak that a test found in its own Box; the end of the suite reports it.
void remember_leak(const std::string& what);
const std::vector<std::string>& remembered_leaks();

}  // namespace lxcri::test
