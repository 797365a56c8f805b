#pragma once
// A part of the host that no process may touch. It has what a runtime would look for if it were led
// here: devices' names, a procfs' files, mount points.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace lxcri::test {

class Canary {
  public:
    // Fills the directory, which is new.
    explicit Canary(std::filesystem::path directory);

    const std::filesystem::path& path() const { return directory_; }
    // Each difference, one line: names, types, modes, owners, contents, and the times of every
    // change, so that something made and removed again shows, too. Reading is no change.
    // And mounts of this mount namespace that came or went.
    std::vector<std::string> changes() const;
    // Cheap, for many rounds: has anything at all changed in the directories and files?
    bool is_untouched() const;

  private:
    struct Entry {
        std::filesystem::path path;
        std::string facts;
    };
    static std::string facts_of(const std::filesystem::path& path);
    std::set<std::string> listing() const;

    std::filesystem::path directory_;
    std::vector<Entry> entries_;
    std::set<std::string> before_;
    std::set<std::string> mounts_;
};

}  // namespace lxcri::test
