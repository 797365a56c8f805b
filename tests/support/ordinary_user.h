#pragma once
// An ordinary user, who may or may not have subordinate IDs.

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "support/process.h"

namespace lxcri::test {

constexpr uid_t kUser = 12345;
constexpr unsigned kSubordinate = 200000;

// /etc/passwd, group, subuid and subgid as they are with a user who has subordinate IDs. The tests
// have mounts of their own.
class SubordinateIds {
  public:
    explicit SubordinateIds(const std::filesystem::path& directory);
    SubordinateIds(const SubordinateIds&) = delete;
    SubordinateIds& operator=(const SubordinateIds&) = delete;
    ~SubordinateIds();

  private:
    void bind(const std::filesystem::path& source, const std::string& target);

    Strings bound_;
};

// As in /proc/PID/uid_map.
std::string map_line(unsigned inside, unsigned outside, unsigned size);

}  // namespace lxcri::test
